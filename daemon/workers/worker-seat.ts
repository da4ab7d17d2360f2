import { StartError } from '../errors.ts';
import type { Beginning, ToSupervisor } from './messages.ts';
import { Pulse } from './pulse.ts';
import type { Stoppable } from './stop-order.ts';
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
  /** Whether any worker listens. */
  isAnyoneThere(): boolean;
  /** It does not answer. */
  silent(): void;
  /** It does again. `ms`: after so long. */
  answers(ms: number): void;
  /** It is killed: it has not answered for too long, or takes nothing of what it has to be told. */
  hung(why: string): void;
}

/** One worker: its processes, one after another, until it is told to stop. */
export class WorkerSeat implements Stoppable {
  readonly id: string;
  readonly #begin: () => Beginning;
  readonly #handlers: SeatHandlers;
  #process: WorkerProcess | undefined;
  #isListening = false;
  #listeningSince = 0;
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  #pulse: Pulse | undefined;
  /** What it has said since it stops. */
  #turnsLeft: number | undefined;
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

  /** It listens, and does not answer. */
  get isSilent(): boolean {
    return this.#pulse?.isSilent ?? false;
  }

  get isDone(): boolean {
    return !this.#isListening || this.#turnsLeft === 0;
  }

  /** Asks whether it is there, while it listens. @param elapsedMs - since this was called before */
  beat(elapsedMs: number): void {
    this.#pulse?.beat(elapsedMs);
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
    // What it has to say of its turns is not to wait for the next beat.
    if (this.#isListening) this.#process?.send({ type: 'ping' });
    await this.#process?.ended;
  }

  release(): void {
    this.#process?.send({ type: 'release' });
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
    this.#turnsLeft = undefined;
    const process: WorkerProcess = new WorkerProcess(this.id, {
      said: (message) => this.#hear(process, message),
      gone: (why) => this.#gone(process, why),
      isAnyoneThere: () => this.#handlers.isAnyoneThere(),
      overrun: () => this.#hung(process, 'it takes nothing of what it is told'),
    });
    this.#process = process;
  }

  #hear(process: WorkerProcess, message: ToSupervisor): void {
    if (message.type === 'hello') {
      process.send({ type: 'begin', beginning: this.#begin() });
      // It was told to stop before it could hear that.
      if (this.#isStopping) {
        process.send({ type: 'stop' });
        process.send({ type: 'release' });
      }
    } else if (message.type === 'failed') this.#failure = new StartError(message.message, message.code);
    else if (message.type === 'listening') {
      this.#isListening = true;
      this.#listeningSince = performance.now();
      this.#pulse = new Pulse({
        ask: () => process.send({ type: 'ping' }),
        silent: () => this.#handlers.silent(),
        back: (ms) => this.#handlers.answers(ms),
        hung: () => this.#hung(process, 'it has not answered for a minute'),
      });
      if (this.#first) this.#first.resolve(message);
      else this.#handlers.back(process, message.url);
      this.#first = undefined;
    } else if (message.type === 'pong') {
      this.#pulse?.answered();
      this.#turnsLeft = message.turns;
    } else this.#handlers.said(process, message);
  }

  #hung(process: WorkerProcess, why: string): void {
    this.#handlers.hung(why);
    process.kill();
  }

  #gone(process: WorkerProcess, why: string): void {
    const lasted = this.#isListening && performance.now() - this.#listeningSince >= LASTING_MS;
    this.#isListening = false;
    this.#process = undefined;
    this.#pulse = undefined;
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
