/**
 * What the daemon must undo before it ends, the last made first. A graceful stop may wait for something before; an
 * abrupt one has time for synchronous work alone. No step's failure keeps another from running.
 */
export class Teardown {
  readonly #abrupt: (() => void)[] = [];
  readonly #exit: (() => void)[] = [];
  readonly #stop: (() => unknown)[] = [];
  readonly #failed: (error: unknown) => void;

  /** @param failed - hears of every step that throws. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** To be waited for by a graceful stop, ahead of what any exit does. One that comes while it is under way is run too. */
  onStop(step: () => unknown): void {
    this.#stop.push(step);
  }

  /** To be run on an abrupt exit only: what the graceful way has done by then. */
  onAbruptExit(step: () => void): void {
    this.#abrupt.push(step);
  }

  /** To be run whenever the process ends by our own hand. */
  onExit(step: () => void): void {
    this.#exit.push(step);
  }

  /** The graceful way. Never rejects. */
  async stop(): Promise<void> {
    for (let step = this.#stop.pop(); step; step = this.#stop.pop()) {
      try {
        await step();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#abrupt.length = 0;
    this.#run(this.#exit);
  }

  /** The abrupt way: what can be done without waiting. */
  exitNow(): void {
    this.#run(this.#abrupt);
    this.#run(this.#exit);
  }

  #run(steps: (() => void)[]): void {
    for (let step = steps.pop(); step; step = steps.pop()) {
      try {
        step();
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}
