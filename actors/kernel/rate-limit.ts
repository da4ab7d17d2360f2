/** What a token bucket says of one more request. */
export type Verdict = { kind: 'ok' } | { kind: 'wait'; retryAfterMs: number } | { kind: 'close' };

const OK: Verdict = { kind: 'ok' };
const CLOSE: Verdict = { kind: 'close' };
/** What fractions of a token may add up to wrongly: whoever waited exactly as long as told is let in. */
const ROUNDING = 1e-6;

/**
 * Requests a second of one connection, as a token bucket (`wire.md` sections 1 and 2). Over the rate a request is
 * refused, and still costs a token: whoever goes on regardless until a whole second bucket is spent is closed.
 */
export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes `cost` tokens, at `now` milliseconds. */
  take(now: number, cost = 1): Verdict {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs) - cost;
    this.#at = now;
    if (this.#tokens > -ROUNDING) return OK;
    if (this.#tokens < -this.#burst) return CLOSE;
    // Until there is a whole token again: the next request takes one, too.
    return { kind: 'wait', retryAfterMs: Math.ceil((1 - this.#tokens) / this.#perMs) };
  }

  /**
   * Takes what a request costs besides itself, at `now` milliseconds; of a cost that a full bucket could not pay, what it
   * could.
   * @returns 0, or, where there is not as much and nothing was taken, the milliseconds until there is
   */
  pay(now: number, cost: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    const due = Math.min(cost, this.#burst - 1);
    // Asked again, that request takes one, too.
    if (due > 0 && due > this.#tokens + ROUNDING) return Math.ceil((due + 1 - this.#tokens) / this.#perMs);
    this.#tokens -= due;
    return 0;
  }
}
