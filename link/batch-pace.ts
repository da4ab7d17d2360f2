import type { LinkClock } from './clock.ts';

/** So many batches may leave before their time, at the cost of pauses before them: a question and its answers wait for nothing. */
const EARLY_BATCHES = 2;

/** Sees to it that batches leave: on the whole there is no more than one each `flushMs`. */
export class BatchPace {
  readonly #clock: LinkClock;
  readonly #flushMs: number;
  readonly #flush: () => void;
  #leftAt = Number.NEGATIVE_INFINITY;
  /** Pauses longer than they had to be, in which nothing was to be said. Milliseconds. */
  #savedMs = 0;
  /** Whether a batch is to leave: `later`, where nobody waits for what is in it. */
  #due: 'soon' | 'later' | undefined;
  #timer: unknown;

  /** @param flush - sends what was written, and says so by {@link left} */
  constructor(clock: LinkClock, flushMs: number, flush: () => void) {
    this.#clock = clock;
    this.#flushMs = flushMs;
    this.#flush = flush;
  }

  /**
   * Something was written.
   * @param isNews - nobody waits for it: it leaves with what is said next, or after `flushMs`
   */
  written(isNews: boolean): void {
    if (this.#due === 'soon' || (isNews && this.#due !== undefined)) return;
    this.#clock.clearTimeout(this.#timer);
    this.#due = isNews ? 'later' : 'soon';
    const waitMs = isNews ? this.#flushMs : this.#waitMs(this.#clock.now());
    if (waitMs === 0) this.#clock.nextTick(this.#flush);
    else this.#timer = this.#clock.setTimeout(this.#flush, waitMs);
  }

  /** Nothing is to leave any more: it was sent, or never will be. */
  clear(): void {
    this.#due = undefined;
    this.#clock.clearTimeout(this.#timer);
  }

  /** A batch has left. */
  left(now: number): void {
    this.#leftAt = now;
  }

  /** How long others may join what was written: whole milliseconds, 0 for this tick. */
  #waitMs(now: number): number {
    const waitMs = this.#leftAt + this.#flushMs - now;
    // What is said after a pause does not wait; what follows it is gathered.
    if (waitMs > this.#savedMs) return Math.ceil(waitMs);
    this.#savedMs = Math.min(this.#savedMs - waitMs, EARLY_BATCHES * this.#flushMs);
    return 0;
  }
}
