import { ErrorCode } from '../protocol/errors.ts';
import type { InputOf, ResultOf } from '../protocol/methods.ts';
import type { Chats } from './chats.ts';
import { AuthError, ConnectionError, RpcError, type SwitchboardError } from './errors.ts';
import { watchHeartbeat } from './heartbeat.ts';
import { Peer, type Reply } from './peer.ts';
import type { Place } from './place.ts';

/** How long connecting and authenticating may take together unless told otherwise. Milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** How to open a {@link Connection}. */
export interface ConnectionInput {
  place: Place;
  auth: InputOf<'session.auth'>;
  connectTimeoutMs?: number | undefined;
  /** Gives up connecting. */
  signal?: AbortSignal;
  /** Those that this connection carries: the ones of its client, whose connections come one after the other. */
  chats: Chats;
  /** Answers a request of the broker's; false for one that is not known. */
  request?(method: string, params: unknown, reply: Reply, peer: Peer): boolean;
  /** Takes a notification that is not an event of a chat opened here; `size` is its frame's length in characters. */
  notification?(method: string, params: unknown, size: number): void;
  /** Takes a binary frame. */
  binary?(data: Uint8Array): void;
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
  const { chats } = input;
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
      else input.notification?.(method, params, size);
    },
    binary: (data: Uint8Array) => input.binary?.(data),
    ended: (error: SwitchboardError) => {
      // One that was never authenticated has carried nothing.
      if (isOpen) chats.interrupt(error);
      input.ended?.(error);
      end(error);
    },
  };
  const opening = deadline(input);
  try {
    const peer = await Peer.open(input.place, handlers, opening.signal);
    const identity = await authenticate(peer, input.auth, opening.signal);
    isOpen = true;
    watchHeartbeat(peer);
    return { peer, identity, ended };
  } finally {
    opening.clear();
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
  signal: AbortSignal,
): Promise<Connection['identity']> {
  const giveUp = () => void peer.close();
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp);
  try {
    return (await peer.request('session.auth', auth)) as Connection['identity'];
  } catch (error) {
    giveUp();
    if (signal.aborted) throw signal.reason;
    throw error instanceof RpcError ? refusal(error) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Of a refused `session.auth` this code means a wrong token (`wire.md` section 2). */
function refusal(error: RpcError): RpcError {
  if (error.code !== ErrorCode.InternalError && error.code !== ErrorCode.AuthRequired) return error;
  return new AuthError(error.method, { code: error.code, message: error.message, data: error.data });
}
