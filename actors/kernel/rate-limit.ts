import { TokenBucket } from './token-bucket.ts';

/** What a token bucket says of one more request. */
export type Verdict = { kind: 'ok' } | { kind: 'wait'; retryAfterMs: number } | { kind: 'close' };

const OK: Verdict = { kind: 'ok' };
const CLOSE: Verdict = { kind: 'close' };

/**
 * Requests a second of one connection, as a token bucket (`wire.md` sections 1 and 2). Over the rate a request is
 * refused, and still costs a token: whoever goes on regardless until a whole second bucket is spent is closed.
 */
export class RateLimit extends TokenBucket {
  /** Takes `cost` tokens, at `now` milliseconds. */
  take(now: number, cost = 1): Verdict {
    const left = this.spend(now, cost);
    if (this.msUntil(now, 0) === 0) return OK;
    if (left < -this.burst) return CLOSE;
    // Until there is a whole token again: the next request takes one, too.
    return { kind: 'wait', retryAfterMs: this.msUntil(now, 1) };
  }

  /**
   * Takes what a request costs besides itself, at `now` milliseconds; of a cost that a full bucket could not pay, what it
   * could.
   * @returns 0, or, where there is not as much and nothing was taken, the milliseconds until there is
   */
  pay(now: number, cost: number): number {
    const due = Math.min(cost, this.burst - 1);
    // Asked again, that request takes one, too.
    if (due > 0 && this.msUntil(now, due) > 0) return this.msUntil(now, due + 1);
    this.spend(now, due);
    return 0;
  }
}
