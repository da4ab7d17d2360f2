import { MAX_MEMBERS } from '../../protocol/frame-scan.ts';
import { pace } from '../pace.ts';
import { MemberCount } from './member-count.ts';

/** Longest card, and longest answer that is no stream; of a stream, longest event. Bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** So much is handed over at once. Bytes. */
const MAX_PIECE = 8 * 1024;

const TOO_MANY = `more than ${MAX_MEMBERS} members and elements in one answer`;

/** Why a remote agent cannot be used. Nothing that was sent is in its message. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  /** `auth`: it wants other credentials. `unreachable`: it may work later. `refused`: it will not. */
  readonly reason: 'auth' | 'unreachable' | 'refused';

  constructor(reason: RemoteError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A `fetch` that goes to one origin alone, and what it failed with last: the SDK may wrap that. */
export interface Guarded {
  fetch: typeof fetch;
  failure: RemoteError | undefined;
}

/**
 * A `fetch` that goes nowhere but to one origin, follows no redirect, and reads no more than a bound. The credentials are added
 * here, so that whoever calls it never has them.
 */
export function guarded(origin: string, credentials: Readonly<Record<string, string>>): Guarded {
  const guard: Guarded = { failure: undefined, fetch: async (input, init) => read(await send(input, init)) };
  const fail = (reason: RemoteError['reason'], message: string): never => {
    guard.failure = new RemoteError(reason, message);
    throw guard.failure;
  };

  async function send(input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : String(input));
    if (url.origin !== origin)
      fail('refused', `the agent's card names an endpoint of another origin, ${url.origin}, where nothing is sent`);
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(credentials)) headers.set(name, value);
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers, redirect: 'manual' });
    } catch (error) {
      init.signal?.throwIfAborted();
      // Its cause may have the request in it.
      return fail('unreachable', `the remote agent cannot be reached${codeOf(error)}`);
    }
    const { status } = response;
    const refuse = (reason: RemoteError['reason'], message: string): never => {
      // Nobody reads it: its socket is let go of.
      response.body?.cancel().catch(() => {});
      return fail(reason, message);
    };
    const isJson = /\bjson\b/i.test(response.headers.get('content-type') ?? '');
    if (status >= 300 && status < 400)
      refuse('refused', 'the remote agent answered with a redirect, which is not followed');
    if (status === 401 || status === 403) refuse('auth', `the remote agent refused the credentials (${status})`);
    // What says in JSON what went wrong is the SDK's to read.
    if (!response.ok && (!isJson || status === 429 || status >= 502))
      refuse(
        status === 429 || status >= 500 ? 'unreachable' : 'refused',
        `the remote agent answered with HTTP ${status}`,
      );
    return response;
  }

  function read(response: Response): Response {
    const { body, headers, status } = response;
    if (!body) return response;
    const isStream = /^text\/event-stream\b/i.test(headers.get('content-type') ?? '');
    let size = 0;
    const members = new MemberCount(isStream);
    const bounded = body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(chunk, controller) {
          for (let at = 0; at < chunk.length; at += MAX_PIECE) {
            // However fast it comes, and however little is in it.
            await pace.breathe();
            const bytes = chunk.subarray(at, at + MAX_PIECE);
            // Between two events there is an empty line.
            const end = isStream ? Math.max(bytes.lastIndexOf(10), bytes.lastIndexOf(13)) : -1;
            size = end === -1 ? size + bytes.length : bytes.length - end;
            if (size > MAX_BYTES) fail('refused', `the remote agent sent more than ${MAX_BYTES} bytes at once`);
            // Parsing it would hold everybody else up.
            if (members.add(bytes) > MAX_MEMBERS) fail('refused', `the remote agent sent ${TOO_MANY}`);
            controller.enqueue(bytes);
          }
        },
      }),
    );
    return new Response(bounded, { status, headers });
  }
  return guard;
}

/** ` (ECONNREFUSED)`: why, without anything that was sent. */
function codeOf(error: unknown): string {
  const { cause } = Object(error);
  const { code } = Object(cause);
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? ` (${code})` : '';
}
