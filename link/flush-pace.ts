/** Below so many entries a second a peer is quiet. */
const QUIET_RATE = 500;
/** It is looked anew so often. Milliseconds. */
const WINDOW_MS = 100;

/**
 * Whether so little is said to a peer that each tick may have a message of its own. By entries, and not by messages: those
 * are few again as soon as they are gathered, and it would go to and fro.
 */
export class FlushPace {
  #since = Number.NEGATIVE_INFINITY;
  #countThen = 0;
  #rate = 0;

  /** @param count - of all entries so far, those that are about to be sent apart */
  isQuiet(now: number, count: number): boolean {
    const passed = now - this.#since;
    const since = count - this.#countThen;
    if (passed >= WINDOW_MS) {
      this.#rate = (since * 1_000) / passed;
      this.#since = now;
      this.#countThen = count;
      return this.#rate < QUIET_RATE;
    }
    return this.#rate < QUIET_RATE && since < (QUIET_RATE * WINDOW_MS) / 1_000;
  }
}
