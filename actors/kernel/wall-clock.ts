import type { BrokerClock } from './deadlines.ts';

/** The two clocks run apart by little: a wall clock is slewed. From so much on one of them has jumped. Milliseconds. */
const JUMP_MS = 1_000;

/**
 * What time it is for people. The broker's clock never goes back and stands still while the machine sleeps, so that no deadline
 * runs because somebody has set a clock; what it calls the time may be days from what the wall's clock does. Whatever is told
 * of a moment is told by this: so much before now, or after, as it is by the broker's clock, and now is the wall's.
 */
export class WallClock {
  readonly #clock: BrokerClock;
  readonly #wallNow: () => number;
  /** By how much the wall's is ahead. It stays while neither jumps: what is told of a moment is the same each time. */
  #ahead = 0;

  constructor(clock: BrokerClock, wallNow: () => number) {
    this.#clock = clock;
    this.#wallNow = wallNow;
  }

  /** By how much it is ahead of the broker's clock. Milliseconds. */
  get ahead(): number {
    const ahead = this.#wallNow() - this.#clock.now();
    if (Math.abs(ahead - this.#ahead) > JUMP_MS) this.#ahead = ahead;
    return this.#ahead;
  }

  /** Now, in Unix milliseconds. */
  now(): number {
    return this.of(this.#clock.now());
  }

  /** A moment of the broker's clock, in Unix milliseconds. */
  of(at: number): number {
    return at + this.ahead;
  }
}
