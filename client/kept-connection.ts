import { Backoff, type ReconnectOptions } from './backoff.ts';
import type { Connection } from './connection.ts';
import { ConnectionClosedError, ConnectionError, SwitchboardError } from './errors.ts';
import { quietly } from './quietly.ts';

/** Where a client stands that comes back after a lost connection. */
export type ConnectionStatus =
  | { status: 'connecting' }
  | { status: 'ready' }
  /** Not connected; tries again after `delayMs`. */
  | { status: 'waiting'; error: SwitchboardError; delayMs: number }
  /** Over for good. */
  | { status: 'closed'; error: SwitchboardError };

/** What a {@link KeptConnection} is made of. */
export interface KeptConnectionInput {
  /** One attempt. It gives up when the signal aborts. */
  connect(signal: AbortSignal): Promise<Connection>;
  /** Brings back on a new connection what the last one had; where it fails, so has the attempt. */
  restore?(connection: Connection): Promise<void>;
  /** Whether to try again after an error that allows it. @param before whether it was connected once. */
  persists(before: boolean): boolean;
  /** Whether the broker is on this machine, as far as is known. */
  isNear(): boolean;
  reconnect: ReconnectOptions;
  onStatus?: ((status: ConnectionStatus) => void) | undefined;
}

/** One connection after the other, for as long as somebody wants that. */
export class KeptConnection {
  /** Resolves when it is over for good, with why. */
  readonly closed: Promise<SwitchboardError>;
  readonly #input: KeptConnectionInput;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #connection: Connection | undefined;
  #status: ConnectionStatus = { status: 'connecting' };
  #settle: (error: SwitchboardError) => void = () => {};
  /** Ends the present wait. */
  #wake: () => void = () => {};

  constructor(input: KeptConnectionInput) {
    this.#input = input;
    this.#backoff = new Backoff(input.reconnect);
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get status(): ConnectionStatus['status'] {
    return this.#status.status;
  }

  /** The present connection, or, between two, the last one: what is asked of it then fails with how it ended. */
  get current(): Connection {
    // Nobody has the client in hand before it was connected once.
    if (!this.#connection) throw new ConnectionError('not connected yet');
    return this.#connection;
  }

  /** Resolves at the first connection, and keeps things going from then on. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      // After the first connection the rejection falls on deaf ears, as it should: `closed` tells.
      this.#keepConnected(resolve).then((error) => {
        this.#become({ status: 'closed', error });
        this.#settle(error);
        reject(error);
      });
    });
  }

  /** Tries at once, where it waits for the next try. */
  retry(): void {
    this.#wake();
  }

  /** Ends it for good. @param error what {@link KeptConnection.closed} tells. */
  async stop(error: SwitchboardError = new ConnectionClosedError()): Promise<void> {
    this.#stop.abort(error);
    await this.#connection?.peer.close();
    await this.closed;
  }

  #become(status: ConnectionStatus): void {
    this.#status = status;
    quietly(() => this.#input.onStatus?.(status));
  }

  /** Connects again and again. Returns why that is over. */
  async #keepConnected(connected: () => void): Promise<SwitchboardError> {
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      const error = await this.#connectOnce(connected);
      if (stop.aborted) break;
      if (!error.retryable || !this.#input.persists(this.#connection !== undefined)) return error;
      const delayMs = this.#backoff.next(this.#input.isNear());
      this.#become({ status: 'waiting', error, delayMs });
      await this.#pause(delayMs, stop);
    }
    return stop.reason;
  }

  /** One connection, from the attempt to the end. Returns why it ended. */
  async #connectOnce(connected: () => void): Promise<SwitchboardError> {
    this.#become({ status: 'connecting' });
    let connection: Connection | undefined;
    try {
      connection = await this.#input.connect(this.#stop.signal);
      this.#connection = connection;
      await this.#input.restore?.(connection);
    } catch (error) {
      void connection?.peer.close();
      return asError(error);
    }
    const since = performance.now();
    this.#become({ status: 'ready' });
    connected();
    const error = await connection.ended;
    this.#backoff.held(performance.now() - since);
    return error;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      this.#wake = finish;
      signal.addEventListener('abort', finish);
      if (signal.aborted) finish();
    });
  }
}

/** Anything else than an error of the SDK's is a fault in the given `url` function, which trying again does not mend. */
function asError(cause: unknown): SwitchboardError {
  if (cause instanceof SwitchboardError) return cause;
  return new ConnectionError(cause instanceof Error ? cause.message : String(cause), { retryable: false, cause });
}
