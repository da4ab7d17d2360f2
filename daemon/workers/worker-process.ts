import cluster, { type Worker } from 'node:cluster';
import type { Pipe, ToSupervisor, ToWorker } from './messages.ts';
import { WORKER_VARIABLE } from './place.ts';

/** So much may wait for a process that takes nothing. Characters. */
const MAX_WAITING = 16 * 1024 * 1024;
/** So long it takes nothing then. Milliseconds. */
const STUCK_MS = 5_000;

/** What the supervisor hears of a worker's process. None of them throws. */
export interface ProcessHandlers {
  said(message: ToSupervisor): void;
  /** It is gone. `why`: in words, an exit code, say. */
  gone(why: string): void;
  /** It takes nothing, and more waits for it than may: what it is not told it could never make up for. Once. */
  overrun(): void;
}

/** One process of a worker's, from its start until it is gone. */
export class WorkerProcess implements Pipe<ToWorker> {
  readonly #worker: Worker;
  readonly #handlers: ProcessHandlers;
  #waiting = 0;
  #takenAt = 0;
  #isOverrun = false;
  readonly startedAt = performance.now();
  /** Settles when it is gone. */
  readonly ended: Promise<void>;

  constructor(id: string, handlers: ProcessHandlers) {
    this.#handlers = handlers;
    this.#worker = cluster.fork({ [WORKER_VARIABLE]: id });
    this.ended = new Promise((resolve) => {
      let isOver = false;
      const over = (why: string) => {
        if (isOver) return;
        isOver = true;
        resolve();
        handlers.gone(why);
      };
      this.#worker.on('message', (message: ToSupervisor) => handlers.said(message));
      this.#worker.once('exit', (code, signal) => over(signal ? `killed by ${signal}` : `exit code ${code}`));
      // What is told of a pipe that breaks is told again by its end; but a process that could not be started has none.
      this.#worker.on('error', (error) => {
        if (this.#worker.process.pid === undefined) over(error.message);
      });
    });
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  send(message: ToWorker): void {
    // One whose pipe is closed is gone, or about to be.
    if (!this.#worker.isConnected() || this.#isOverrun) return;
    const size = JSON.stringify(message).length;
    const now = performance.now();
    if (this.#waiting === 0) this.#takenAt = now;
    if (this.#waiting + size > MAX_WAITING && now - this.#takenAt > STUCK_MS) {
      this.#isOverrun = true;
      this.#handlers.overrun();
      return;
    }
    this.#waiting += size;
    this.#worker.process.send?.(message, () => {
      this.#waiting -= size;
      this.#takenAt = performance.now();
    });
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}
