import cluster, { type Worker } from 'node:cluster';
import { HandedConnections } from './handed.ts';
import type { Pipe, ToSupervisor, ToWorker } from './messages.ts';
import { Outbox } from './outbox.ts';
import { WORKER_VARIABLE } from './place.ts';

/** What the supervisor hears of a worker's process. None of them throws. */
export interface ProcessHandlers {
  said(message: ToSupervisor): void;
  /** It is gone. `why`: in words, an exit code, say. */
  gone(why: string): void;
  /** Whether connections may be handed to another one. */
  isAnyoneThere(): boolean;
  /** It takes nothing, and more waits for it than may: what it is not told it could never make up for. Once. */
  overrun(): void;
}

/** One process of a worker's, from its start until it is gone. */
export class WorkerProcess implements Pipe<ToWorker> {
  readonly #worker: Worker;
  readonly #outbox: Outbox<ToWorker>;
  readonly startedAt = performance.now();
  /** Settles when it is gone. */
  readonly ended: Promise<void>;

  constructor(id: string, handlers: ProcessHandlers) {
    this.#worker = cluster.fork({ [WORKER_VARIABLE]: id });
    this.#outbox = new Outbox(
      (message, taken) => this.#worker.process.send?.(message, taken),
      () => handlers.overrun(),
    );
    const handed = new HandedConnections(this.#worker.process);
    this.ended = new Promise((resolve) => {
      let isOver = false;
      const over = (why: string) => {
        if (isOver) return;
        isOver = true;
        resolve();
        handlers.gone(why);
        // When `node:cluster` has forgotten it: not before would it choose another one.
        setImmediate(() => handed.giveBack(handlers.isAnyoneThere()));
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
    if (this.#worker.isConnected()) this.#outbox.send(message);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}
