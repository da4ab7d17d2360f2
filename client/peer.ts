import { CERTIFICATE_NEEDED } from '../protocol/client-certificate.ts';
import type { RpcId } from '../protocol/frame.ts';
import { isObject } from '../protocol/json.ts';
import type { ErrorObject } from '../protocol/wire-error.ts';
import { WireError } from '../protocol/wire-error.ts';
import { activeTrace } from './active-trace.ts';
import { decode, type Message } from './decode.ts';
import {
  ConnectionClosedError,
  ConnectionError,
  ConnectionLostError,
  RequestTimeoutError,
  type SwitchboardError,
} from './errors.ts';
import type { Frame, OnFrame } from './frame-tap.ts';
import type { JsonCodec, Place } from './place.ts';
import { quietly } from './quietly.ts';
import { malformed } from './result-shapes.ts';
import { toRpcError } from './rpc-error.ts';
import type { Socket, SocketEnd } from './socket.ts';

/** Answers one request of the broker's. Only the first answer is sent; one that JSON cannot write throws, and is none. */
export interface Reply {
  result(value: unknown): void;
  error(error: ErrorObject): void;
}

/** What a peer does with what the broker sends. None of them may throw. */
export interface PeerHandlers {
  /** A request, with the peer it came by. False: unknown, which is answered `-32601`. */
  request(method: string, params: unknown, reply: Reply, peer: Peer): boolean;
  /** A notification; `size` is its frame's length in characters. */
  notification(method: string, params: unknown, size: number): void;
  /** A binary frame. */
  binary(data: Uint8Array): void;
  /** Makes an error of the broker's answer, where there is more to it than its code. */
  toError?: ((method: string, error: ErrorObject) => SwitchboardError) | undefined;
  /** Sees each text frame pass, but for the one with the token. */
  onFrame?: OnFrame | undefined;
  /** It has another JWT each time: that one has ended is no reason not to come back. */
  renews?: boolean | undefined;
  /** The connection is over, once; by then every pending call has been settled. */
  ended(error: SwitchboardError): void;
}

/** How a call ends: exactly one of the two, once, synchronously with the frame that brought it. */
export interface Settle {
  result(value: unknown): void;
  error(error: SwitchboardError): void;
}

interface Pending extends Settle {
  method: string;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Parameters with the trace that is active here, unless they name one. */
function traced(params: unknown): unknown {
  const trace = activeTrace();
  return trace && isObject(params) ? { _meta: trace, ...params } : params;
}

/** One open WebSocket that speaks JSON-RPC 2.0 both ways (`wire.md` section 1). */
export class Peer {
  /** Resolves once the socket is closed for good. */
  readonly gone: Promise<void>;
  readonly #handlers: PeerHandlers;
  /** How this connection's messages are read and written. */
  readonly json: JsonCodec;
  readonly #pending = new Map<RpcId, Pending>();
  #markGone: () => void = () => {};
  #socket: Socket | undefined;
  #nextId = 1;
  #heard = 0;
  #ended: SwitchboardError | undefined;

  private constructor(handlers: PeerHandlers, json: JsonCodec) {
    this.#handlers = handlers;
    this.json = json;
    this.gone = new Promise((resolve) => {
      this.#markGone = resolve;
    });
  }

  /**
   * Opens a socket and resolves when the WebSocket is up.
   * @param signal gives up; the rejection is then its reason.
   * @throws {ConnectionError} when the broker cannot be reached or refuses the upgrade.
   */
  static open(place: Place, handlers: PeerHandlers, signal: AbortSignal): Promise<Peer> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const peer = new Peer(handlers, place.json);
      let open = false;
      const giveUp = () => {
        reject(signal.reason);
        peer.#socket?.close(1000, '');
      };
      try {
        peer.#socket = place.open({
          opened: () => {
            open = true;
            signal.removeEventListener('abort', giveUp);
            resolve(peer);
          },
          message: (text) => peer.#receive(text),
          pinged: () => {
            peer.#heard++;
          },
          binary: (data) => {
            if (peer.#ended) return;
            peer.#heard++;
            peer.#handlers.binary(data);
          },
          closed: (end) => {
            signal.removeEventListener('abort', giveUp);
            peer.#markGone();
            if (open) peer.#end(new ConnectionLostError(end.code, end.reason, end.error, handlers.renews));
            else reject(unreachable(place, end));
          },
        });
        signal.addEventListener('abort', giveUp);
      } catch (cause) {
        const { url } = place;
        reject(new ConnectionError(`not a WebSocket URL: ${place.name}`, { url, retryable: false, cause }));
      }
    });
  }

  /** Counts what came: frames, and pings where the platform shows them. */
  get heard(): number {
    return this.#heard;
  }

  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** Bytes that were sent and have not left yet. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /**
   * Sends a request and hands its answer over in the very turn of the event loop in which it arrives.
   * @returns the request's id; undefined where the connection is over, which `settle` has been told.
   * @throws {TypeError} where JSON cannot write the parameters.
   */
  call(method: string, params: unknown, settle: Settle, timeoutMs?: number): RpcId | undefined {
    if (this.#ended) {
      settle.error(this.#ended);
      return undefined;
    }
    const id = this.#nextId++;
    const text = this.json.stringify({ jsonrpc: '2.0', id, method, params: traced(params) });
    const expire = () => {
      this.#pending.delete(id);
      settle.error(new RequestTimeoutError(method, timeoutMs ?? 0));
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
    this.#pending.set(id, { method, timer, result: (value) => settle.result(value), error: (e) => settle.error(e) });
    this.#send(text, method);
    return id;
  }

  /** {@link Peer.call} as a promise. */
  request(method: string, params: unknown, timeoutMs?: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.call(method, params, { result: resolve, error: reject }, timeoutMs);
    });
  }

  /** Sends a notification. False where the connection is over. */
  notify(method: string, params: unknown): boolean {
    if (this.#ended) return false;
    this.#send(this.json.stringify({ jsonrpc: '2.0', method, params }));
    return true;
  }

  /** Sends a binary frame. False where the connection is over. */
  sendBinary(data: Uint8Array): boolean {
    if (this.#ended) return false;
    this.#socket?.sendBinary(data);
    return true;
  }

  /** Settles everything that is pending, then closes the socket. Resolves when that is done. */
  close(): Promise<void> {
    this.drop(new ConnectionClosedError());
    return this.gone;
  }

  /** The same, without waiting, for another reason. */
  drop(error: SwitchboardError): void {
    this.#end(error);
    // Whoever says 1000 is through: nothing of its waits at the broker.
    this.#socket?.close(error instanceof ConnectionClosedError ? 1000 : 4408, '');
  }

  #send(text: string, method?: string): void {
    // A token is no sight for a tap.
    if (method !== 'session.auth' && method !== 'session.refresh') this.#tell('out', text);
    this.#socket?.send(text);
  }

  #tell(direction: Frame['direction'], text: string): void {
    const { onFrame } = this.#handlers;
    if (onFrame) quietly(() => onFrame({ direction, text }));
  }

  #end(error: SwitchboardError): void {
    if (this.#ended) return;
    this.#ended = error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of pending) {
      clearTimeout(call.timer);
      call.error(error);
    }
    this.#handlers.ended(error);
  }

  #receive(text: string): void {
    // What arrives after close() belongs to nobody any more.
    if (this.#ended) return;
    this.#heard++;
    this.#tell('in', text);
    const message = decode(text, this.json);
    if (!message) return;
    if (message.kind === 'notification') this.#handlers.notification(message.method, message.params, text.length);
    else if (message.kind === 'request') this.#answer(message.id, message.method, message.params);
    else this.#settle(message);
  }

  #settle({ id, result, error }: Extract<Message, { kind: 'answer' }>): void {
    // One without an id (`-32700`), or that nobody waits for any more, is nothing to act upon.
    const call = this.#pending.get(id as RpcId);
    if (!call) return;
    this.#pending.delete(id as RpcId);
    clearTimeout(call.timer);
    const { toError = toRpcError } = this.#handlers;
    const fault = malformed(call.method, result, error);
    if (fault) call.error(fault);
    else if (error === undefined) call.result(result);
    else call.error(toError(call.method, error as ErrorObject));
  }

  #answer(id: RpcId, method: string, params: unknown): void {
    let answered = false;
    const send = (answer: { result: unknown } | { error: ErrorObject }) => {
      if (answered || this.#ended) return;
      const text = this.json.stringify({ jsonrpc: '2.0', id, ...answer });
      answered = true;
      this.#send(text);
    };
    const reply: Reply = { result: (value) => send({ result: value ?? null }), error: (error) => send({ error }) };
    if (!this.#handlers.request(method, params, reply, this)) reply.error(WireError.methodNotFound().toObject());
  }
}

function unreachable({ url, name }: Place, end: SocketEnd): ConnectionError {
  const { status, body, error: cause } = end;
  if (status !== undefined) {
    const said = body?.trim();
    return new ConnectionError(`${name} refused the connection with ${status}${said ? `: ${said}` : ''}`, {
      url,
      status,
      ...(said === CERTIFICATE_NEEDED ? { reason: 'certificate_needed' } : {}),
      cause,
    });
  }
  const why = message(cause) || hiddenCause(url);
  return new ConnectionError(`cannot reach ${name}${why ? `: ${why}` : ''}`, { url, cause });
}

/** A browser does not tell a page why: of a page of another origin the likeliest is that nobody allowed it. */
function hiddenCause(url: string | undefined): string {
  const { origin, host } = (globalThis as { location?: { origin: string; host: string } }).location ?? {};
  if (origin === undefined || url === undefined || new URL(url).host === host) return '';
  return `it may not run, or not allow this page (--allow-origin ${origin})`;
}

/** A refused connection to `localhost` is an AggregateError with an empty message, and its code says it all. */
function message(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  return cause.message || String((cause as { code?: unknown }).code ?? '');
}
