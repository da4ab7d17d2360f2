/** The query may hold a secret, and is shown to nobody. */
export const shownUrl = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};

/**
 * What a URL answers, as text: with 200, in time, of bounded size. Redirects are not followed: whoever may redirect would
 * decide whose keys count.
 * @throws {Error} whose message says in a few words why not, without a secret.
 */
export async function fetchText(url: string, timeoutMs: number, maxBytes: number): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { signal, redirect: 'manual', headers: { accept: 'application/json' } });
    if (response.status !== 200) {
      void response.body?.cancel();
      const isRedirect = response.status >= 300 && response.status < 400;
      throw new Answered(`HTTP ${response.status}${isRedirect ? ', and redirects are not followed' : ''}`);
    }
    return await bodyOf(response, maxBytes);
  } catch (error) {
    if (error instanceof Answered) throw error;
    if (signal.aborted) throw new Answered(`no answer within ${timeoutMs} ms`);
    throw new Answered(reasonOf(error));
  }
}

/** Why there is no text: all that is said of it. */
class Answered extends Error {}

async function bodyOf({ body }: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels what is still on its way.
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > maxBytes) throw new Answered(`the answer has more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** What fetch throws says why only in its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: unknown; message?: unknown }; message?: unknown };
  return String(cause?.code ?? cause?.message ?? message).slice(0, 200);
}
