import { StartError } from '../errors.ts';
import type { Beginning, ToSupervisor } from './messages.ts';
import { WorkerProcess } from './worker-process.ts';

/** The first wait before a worker is started again that has not lasted. Milliseconds. */
const RETRY_MS = 100;
/** The longest one. Milliseconds. */
const MAX_RETRY_MS = 10_000;
/** One that has listened for so long is started again at once. Milliseconds. */
const LASTING_MS = 10_000;

/** What the supervisor hears of a worker. None of them throws. */
export interface SeatHandlers {
  /** Something that is not about its own start. */
  said(process: WorkerProcess, message: ToSupervisor): void;
  gone(process: WorkerProcess, why: string): void;
  /** It was started again, and listens. */
  back(process: WorkerProcess, url: string): void;
  /** It will be started again. `retryMs`: after so long. */
  restarting(why: string, retryMs: number): void;
}

/** One worker: its processes, one after another, until it is told to stop. */
export class WorkerSeat {
  readonly id: string;
  readonly #begin: () => Beginning;
  readonly #handlers: SeatHandlers;
  #process: WorkerProcess | undefined;
  #isListening = false;
  #listeningSince = 0;
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  /** Settled by the first process, which decides whether the daemon starts at all. */
  #first: { resolve(said: { url: string; reloads: boolean }): void; reject(error: Error): void } | undefined;
  #failure: StartError | undefined;
  /** How often it was started again. */
  restarts = 0;

  constructor(id: string, begin: () => Beginning, handlers: SeatHandlers) {
    this.id = id;
    this.#begin = begin;
    this.#handlers = handlers;
  }

  /** Its process, while it listens. */
  get listening(): WorkerProcess | undefined {
    return this.#isListening ? this.#process : undefined;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Starts it for the first time. Resolves when it listens.
   * @throws {StartError} where it cannot start
   */
  start(): Promise<{ url: string; reloads: boolean }> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#spawn();
    });
  }

  /** Ends its process as a stop does; resolves when that is gone. It is not started again. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#process?.send({ type: 'stop' });
    await this.#process?.ended;
  }

  /** Ends its process at once. It is not started again. */
  kill(): void {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#process?.kill();
  }

  /** Ends its process at once, to have it started again. */
  restart(): void {
    this.#process?.kill();
  }

  #spawn(): void {
    this.#failure = undefined;
    const process: WorkerProcess = new WorkerProcess(this.id, {
      said: (message) => this.#hear(process, message),
      gone: (why) => this.#gone(process, why),
    });
    this.#process = process;
  }

  #hear(process: WorkerProcess, message: ToSupervisor): void {
    if (message.type === 'hello') {
      process.send({ type: 'begin', beginning: this.#begin() });
      // It was told to stop before it could hear that.
      if (this.#isStopping) process.send({ type: 'stop' });
    } else if (message.type === 'failed') this.#failure = new StartError(message.message, message.code);
    else if (message.type === 'listening') {
      this.#isListening = true;
      this.#listeningSince = performance.now();
      if (this.#first) this.#first.resolve(message);
      else this.#handlers.back(process, message.url);
      this.#first = undefined;
    } else this.#handlers.said(process, message);
  }

  #gone(process: WorkerProcess, why: string): void {
    const lasted = this.#isListening && performance.now() - this.#listeningSince >= LASTING_MS;
    this.#isListening = false;
    this.#process = undefined;
    this.#handlers.gone(process, why);
    const reason = this.#failure?.message ?? why;
    if (this.#first) {
      const words = `worker ${this.id} has ended before it listened: ${why}`;
      this.#first.reject(this.#failure ?? new StartError(words, 1));
      this.#first = undefined;
      return;
    }
    if (this.#isStopping) return;
    if (lasted) this.#retryMs = RETRY_MS;
    const retryMs = lasted ? 0 : this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#handlers.restarting(reason, retryMs);
    this.#timer = setTimeout(() => {
      this.restarts += 1;
      this.#spawn();
    }, retryMs);
  }
}
