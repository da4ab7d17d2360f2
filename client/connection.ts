import type { InputOf, ResultOf } from '../protocol/methods.ts';
import { ErrorCode } from '../protocol/wire-error.ts';
import type { Chats } from './chats.ts';
import { AuthError, ConnectionError, RpcError, type SwitchboardError } from './errors.ts';
import type { OnFrame } from './frame-tap.ts';
import { watchHeartbeat } from './heartbeat.ts';
import { Peer, type PeerHandlers, type Reply } from './peer.ts';
import type { Place } from './place.ts';

/** How long connecting and authenticating may take together unless told otherwise. Milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT = 10_000;

/**
 * A JWT of the issuer that the broker trusts. A function is asked anew at each connection, and again a minute before the one
 * that it gave ends: the connection then goes on by the next.
 */
export type JwtSource = string | (() => string | Promise<string>);

/** How to open a {@link Connection}. */
export interface ConnectionInput {
  place: Place;
  auth: InputOf<'session.auth'>;
  /** The JWT that goes with it, in place of a token. */
  jwt?: JwtSource | undefined;
  connectTimeoutMs?: number | undefined;
  /** Gives up connecting. */
  signal?: AbortSignal;
  /** Those that this connection carries: the ones of its client, whose connections come one after the other. */
  chats: Chats;
  /** Answers a request of the broker's; false for one that is not known. */
  request?(method: string, params: unknown, reply: Reply, peer: Peer): boolean;
  /** Takes a notification that is not an event of a chat opened here; `size` is its frame's length in characters. */
  notification?(method: string, params: unknown, size: number): void;
  /** See `PeerHandlers`. */
  toError?: PeerHandlers['toError'];
  /** Sees the frames pass. */
  onFrame?: OnFrame | undefined;
  /** Takes a binary frame. */
  binary?(data: Uint8Array): void;
  /** It is authenticated; in the very moment in which that is known: what follows may be in the same packet. */
  identified?(identity: Connection['identity'], peer: Peer): void;
  /** The connection is over. */
  ended?(error: SwitchboardError): void;
}

/** One authenticated connection. */
export interface Connection {
  peer: Peer;
  identity: ResultOf<'session.auth'>;
  /** Resolves when the connection is over, with why. */
  ended: Promise<SwitchboardError>;
}

/**
 * Connects and authenticates.
 * @throws {ConnectionError} not reachable, or not in time. @throws {AuthError} wrong token.
 */
export async function openConnection(input: ConnectionInput): Promise<Connection> {
  const { chats, jwt } = input;
  const source = typeof jwt === 'function' ? jwt : undefined;
  let isOpen = false;
  let end: (error: SwitchboardError) => void = () => {};
  const ended = new Promise<SwitchboardError>((resolve) => {
    end = resolve;
  });
  const handlers = {
    request: (method: string, params: unknown, reply: Reply, peer: Peer) =>
      input.request?.(method, params, reply, peer) ?? false,
    notification: (method: string, params: unknown, size: number) => {
      if (method === 'agents.chat.event') chats.event(params, size);
      else if (method === 'session.expiring') void renew(params);
      else input.notification?.(method, params, size);
    },
    binary: (data: Uint8Array) => input.binary?.(data),
    onFrame: input.onFrame,
    toError: input.toError,
    renews: source !== undefined,
    ended: (error: SwitchboardError) => {
      // One that was never authenticated has carried nothing.
      if (isOpen) chats.interrupt(error);
      input.ended?.(error);
      end(error);
    },
  };
  const opening = deadline(input);
  let opened: Peer | undefined;
  const renew = async (said: unknown) => source && (await import('./refresh.ts')).refreshJwt(opened, source, said);
  try {
    // First: once it is connected the broker waits five seconds.
    const auth = jwt === undefined ? input.auth : { ...input.auth, jwt: await jwtFrom(jwt, opening.signal) };
    const peer = await Peer.open(input.place, handlers, opening.signal);
    opened = peer;
    const identity = await authenticate(peer, auth, input.identified, opening.signal);
    isOpen = true;
    watchHeartbeat(peer);
    return { peer, identity, ended };
  } finally {
    opening.clear();
  }
}

/** @throws {ConnectionError} where it cannot be had: it may well be there the next time. */
async function jwtFrom(jwt: JwtSource, signal: AbortSignal): Promise<string> {
  if (typeof jwt === 'string') return jwt;
  signal.throwIfAborted();
  const gone = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  try {
    return await Promise.race([jwt(), gone]);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new ConnectionError(`there is no JWT: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function deadline({ place, signal, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT }: ConnectionInput) {
  const controller = new AbortController();
  const expire = () => {
    const why = `no answer within ${connectTimeoutMs} ms`;
    controller.abort(new ConnectionError(`cannot reach ${place.name}: ${why}`, { url: place.url }));
  };
  const giveUp = () => controller.abort(signal?.reason);
  const timer = setTimeout(expire, connectTimeoutMs);
  if (signal?.aborted) giveUp();
  else signal?.addEventListener('abort', giveUp);
  const clear = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  };
  return { signal: controller.signal, clear };
}

async function authenticate(
  peer: Peer,
  auth: ConnectionInput['auth'],
  identified: ConnectionInput['identified'],
  signal: AbortSignal,
): Promise<Connection['identity']> {
  const giveUp = () => void peer.close();
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp);
  try {
    return await new Promise((resolve, reject) => {
      const result = (value: unknown) => {
        const identity = value as Connection['identity'];
        identified?.(identity, peer);
        resolve(identity);
      };
      peer.call('session.auth', auth, { result, error: reject });
    });
  } catch (error) {
    giveUp();
    if (signal.aborted) throw signal.reason;
    throw error instanceof RpcError ? refusal(error, auth) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Of a refused `session.auth` this code means a wrong token (`wire.md` section 2), or that there was none. */
function refusal(error: RpcError, auth: ConnectionInput['auth']): RpcError {
  const { method, code, message, data } = error;
  if (code !== ErrorCode.InternalError && code !== ErrorCode.AuthRequired) return error;
  const isGiven = Boolean(auth.host_token || auth.token || auth.jwt);
  return new AuthError(method, { code, message: isGiven ? message : `${message} (no token was given)`, data });
}
