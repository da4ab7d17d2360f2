/** A generator that never waits for anything runs this long, in milliseconds, before others get their turn. */
const SLICE = 8;
/** How much may wait to be written before a generator has to wait as well. Bytes. */
const HIGH_WATER = 1024 * 1024;
/** How often a full socket is looked at: there is no event for it in browsers. Milliseconds. */
const POLL = 5;

/**
 * Keeps a turn from running away. Without it a generator of ready-made words would fill the socket's memory, and
 * would never let the event loop read the cancel that is meant to stop it.
 */
export class Pacer {
  readonly #buffered: () => number;
  readonly #signal: AbortSignal;
  #since = performance.now();

  /** @param buffered bytes that wait to be written. @param signal ends all waiting. */
  constructor(buffered: () => number, signal: AbortSignal) {
    this.#buffered = buffered;
    this.#signal = signal;
  }

  /** Whether it is time to {@link Pacer.breathe}. */
  get due(): boolean {
    return performance.now() - this.#since > SLICE || this.#buffered() > HIGH_WATER;
  }

  /** Lets the event loop go round, and the socket drain. */
  async breathe(): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve, this.#buffered() > HIGH_WATER ? POLL : 0));
    } while (this.#buffered() > HIGH_WATER && !this.#signal.aborted);
    this.#since = performance.now();
  }
}
