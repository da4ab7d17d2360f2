/** What fractions of a token may add up to wrongly: whoever waited exactly as long as told has what they waited for. */
const ROUNDING = 1e-6;

/** A bucket that fills with time up to its burst, and may be owed to. Times are milliseconds of one clock. */
export class TokenBucket {
  readonly burst: number;
  readonly #perMs: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.burst = burst;
    this.#perMs = perSecond / 1000;
    this.#tokens = burst;
    this.#at = now;
  }

  /** What is in it; less than nothing: so much is owed. */
  level(now: number): number {
    this.#tokens = Math.min(this.burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#tokens;
  }

  /** Takes so much, whether it is there or not. @returns what is left */
  spend(now: number, cost: number): number {
    this.#tokens = this.level(now) - cost;
    return this.#tokens;
  }

  /** 0 where it has so much, else the whole milliseconds until it does, if nobody takes any. */
  msUntil(now: number, amount: number): number {
    const lacking = amount - this.level(now);
    return lacking <= ROUNDING ? 0 : Math.ceil((lacking - ROUNDING) / this.#perMs);
  }
}
