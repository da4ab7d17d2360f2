import type { SwitchboardError } from './errors.ts';
import { BufferOverflowError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { Peer } from './peer.ts';

/** What a stream of voice is from the inside, whichever way the audio goes: started once, read once, over once. */
export abstract class VoiceRun<T> implements AsyncIterable<T> {
  readonly started: Promise<string>;
  protected readonly peer: Peer;
  readonly #queue: EventQueue<T>;
  readonly #limit: number;
  readonly #what: string;
  readonly #over = new AbortController();
  #settle!: { resolve(provider: string): void; reject(error: SwitchboardError): void };

  /** @param what what is read of it, for whoever tries to read it again. @param forget it is over. */
  constructor(peer: Peer, limit: number, what: string, forget: () => void) {
    this.peer = peer;
    this.#limit = limit;
    this.#what = what;
    this.#queue = new EventQueue(limit);
    this.over.addEventListener('abort', forget);
    this.started = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever reads it is told, too.
    this.started.catch(() => {});
  }

  fail(error: SwitchboardError): void {
    this.#settle.reject(error);
    this.finish({ error });
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this.#queue.readOnce(this.#what, () => this.#abandon());
  }

  /** @throws {ConnectionClosedError} where this side has closed the connection before its end. */
  protected checkWhole(): void {
    this.#queue.checkWhole();
  }

  /** Aborts when it is over. */
  protected get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Asks for it. */
  protected ask(method: string, params: object): void {
    this.peer.call(method, params, {
      result: (value) => this.#settle.resolve((value as { provider: string }).provider),
      error: (error) => this.fail(error),
    });
  }

  /** What has come for its reader. One who reads too slowly loses it. */
  protected push(value: T, size: number): void {
    if (this.#queue.push(value, size)) return;
    this.#abandon();
    this.fail(new BufferOverflowError(this.#limit));
  }

  protected finish(end: { error?: unknown }): void {
    this.#over.abort();
    this.#queue.end(end);
  }

  /** Tells the broker that nobody reads the rest. */
  protected abstract leave(): Promise<unknown>;

  #abandon(): void {
    if (!this.over.aborted) this.leave().catch(() => {});
  }
}
