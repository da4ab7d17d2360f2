import { setImmediate as nextRound } from 'node:timers/promises';

/** Code of an embedder's that never waits for anything has the event loop for so long, in milliseconds. */
const SLICE_MS = 8;
/** And for so many steps, however slow the machine is: a few do not have to wait for another round. */
const SLICE_STEPS = 16;

/** Sees to it that others get their turn between two steps of somebody's. */
export class Slices {
  #steps = 0;
  /** When the first step since the event loop last went round was done. */
  #since = 0;

  /** After a step: lets the event loop go round where it has not for long. */
  async pause(): Promise<void> {
    this.#steps += 1;
    if (this.#steps === 1) {
      this.#since = performance.now();
      setImmediate(() => {
        this.#steps = 0;
      });
    } else if (this.#steps > SLICE_STEPS && performance.now() - this.#since >= SLICE_MS) await nextRound();
  }
}
