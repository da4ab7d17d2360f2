import { A2aError } from '../protocol/a2a-client.ts';

/** What one request to an endpoint may do. */
export interface Guard {
  /** The one URL that requests go to, and that hears the credentials. */
  endpoint: string;
  /** The credentials. */
  headers: Readonly<Record<string, string>>;
  /** Bytes, after decompression. */
  maxAnswerBytes: number;
  signal: AbortSignal;
}

/**
 * A `fetch` for one endpoint: it goes nowhere else, follows no redirect, and reads no more of an answer than it was
 * told. The credentials are added here, so that whoever calls it never has them.
 */
export function guardedFetch({ endpoint, headers: credentials, maxAnswerBytes, signal }: Guard): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url !== endpoint) throw new A2aError('invalid_answer', 'another address than the endpoint was asked for');
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(credentials)) headers.set(name, value);
    let response: Response;
    try {
      response = await fetch(endpoint, { ...init, headers, redirect: 'manual', signal });
    } catch (error) {
      // Its cause may have the request in it.
      throw new A2aError('unreachable', `the endpoint cannot be reached${codeOf(error)}`);
    }
    const { status } = response;
    if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
      await release(response);
      throw new A2aError('redirect', 'the endpoint answered with a redirect, which is not followed');
    }
    const body = await read(response, maxAnswerBytes);
    // What is no A2A answer is not passed on: it may be any page of any service.
    if (!response.ok && !isRpcError(body)) throw new A2aError('http', `the endpoint answered with HTTP ${status}`);
    if (body === '') throw new A2aError('invalid_answer', `the endpoint answered with HTTP ${status} and nothing else`);
    // Not its own status: there are some that no `Response` with a body can have, and the body says it all.
    return new Response(body, { status: response.ok ? 200 : 500, headers: { 'content-type': 'application/json' } });
  };
}

async function read(response: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > most) throw new A2aError('too_large', `the answer is larger than ${most} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof A2aError) throw error;
    throw new A2aError('unreachable', `the answer broke off${codeOf(error)}`);
  }
  return Buffer.concat(chunks).toString();
}

async function release(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** ` (ECONNREFUSED)`: why, without anything that was sent. */
function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' && /^\w{1,64}$/.test(cause.code) ? ` (${cause.code})` : '';
}

function isRpcError(body: string): boolean {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null && 'jsonrpc' in answer && 'error' in answer;
  } catch {
    return false;
  }
}
