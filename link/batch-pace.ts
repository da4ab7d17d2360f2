/** So many batches may leave before their time, at the cost of pauses before them: a question and its answers wait for nothing. */
const EARLY_BATCHES = 2;

/** When the next batch leaves. On the whole there is no more than one each `flushMs`. */
export class BatchPace {
  readonly #flushMs: number;
  #leftAt = Number.NEGATIVE_INFINITY;
  /** Pauses longer than they had to be, in which nothing was to be said. Milliseconds. */
  #savedMs = 0;

  constructor(flushMs: number) {
    this.#flushMs = flushMs;
  }

  /** One has left. */
  left(now: number): void {
    this.#leftAt = now;
  }

  /** Something is to be said, and nothing else waits. @returns so long others may join it: whole milliseconds, 0 for this tick */
  waitMs(now: number): number {
    const waitMs = this.#leftAt + this.#flushMs - now;
    // What is said after a pause does not wait; what follows it is gathered.
    if (waitMs > this.#savedMs) return Math.ceil(waitMs);
    this.#savedMs = Math.min(this.#savedMs - waitMs, EARLY_BATCHES * this.#flushMs);
    return 0;
  }
}
