import type { LinkClock } from './clock.ts';

/** So many batches may leave before their time, at the cost of pauses before them: a question and its answers wait for nothing. */
const EARLY_BATCHES = 2;

/** When batches leave: on the whole no more than one each `flushMs`. */
export class BatchSchedule {
  readonly #clock: LinkClock;
  readonly #flushMs: number;
  readonly #flush: () => void;
  readonly #tick = () => {
    // A batch that was full may have left since, and what is written now has a timer.
    if (this.#due === 'tick') this.#flush();
  };
  #leftAt: number;
  /** Pauses longer than they had to be, in which nothing was to be said. Milliseconds. */
  #savedMs = 0;
  /** By what the next batch leaves; `later`, where all that is in it may wait. */
  #due: 'tick' | 'timer' | 'later' | undefined;
  #timer: unknown;

  /** @param flush - sends what was written, and says so by {@link left} */
  constructor(clock: LinkClock, flushMs: number, flush: () => void) {
    this.#clock = clock;
    this.#flushMs = flushMs;
    this.#flush = flush;
    this.#leftAt = clock.now() - flushMs;
  }

  /**
   * Something is to be sent.
   * @param when - `later`: with what is said next, or by itself after `flushMs`
   */
  due(when: 'soon' | 'later'): void {
    // What may wait leaves sooner where the rest may not.
    if (this.#due !== undefined && (when === 'later' || this.#due !== 'later')) return;
    this.#clock.clearTimeout(this.#timer);
    const waitMs = when === 'later' ? this.#flushMs : this.#waitMs();
    if (waitMs === 0) {
      this.#due = 'tick';
      this.#clock.nextTick(this.#tick);
      return;
    }
    this.#due = when === 'later' ? 'later' : 'timer';
    this.#timer = this.#clock.setTimeout(this.#flush, waitMs);
  }

  /** Nothing is due any more. */
  clear(): void {
    this.#due = undefined;
    this.#clock.clearTimeout(this.#timer);
  }

  /** A batch has left. */
  left(now: number): void {
    const savedMs = this.#savedMs + now - this.#leftAt - this.#flushMs;
    this.#savedMs = Math.max(0, Math.min(savedMs, EARLY_BATCHES * this.#flushMs));
    this.#leftAt = now;
  }

  /** How long others may join what is said now: whole milliseconds, 0 for this tick. */
  #waitMs(): number {
    const waitMs = this.#leftAt + this.#flushMs - this.#clock.now();
    // What is said after a pause does not wait; what follows it is gathered.
    return waitMs > this.#savedMs ? Math.ceil(waitMs) : 0;
  }
}
