/** When to try again after a lost connection. */
export interface ReconnectOptions {
  /** The longest the first wait can be. Milliseconds, default 250. */
  minMs?: number | undefined;
  /** The longest any wait can be. Milliseconds, default 1,000 for a broker on this machine, 5,000 for any other. */
  maxMs?: number | undefined;
  /** How long a connection must have held for the waits to start over. Milliseconds, default 10,000. */
  stableMs?: number | undefined;
}

/** The longest wait unless told otherwise, for a broker on this machine and for any other. Milliseconds. */
const MAX_NEAR = 1_000;
const MAX_FAR = 5_000;

/**
 * Exponential back-off with full jitter: each wait is anything between nothing and a bound that doubles. So
 * the agents of a broker that was restarted do not all come back in the same moment. Nor does any come back late: a broker
 * that is there again can be asked for an agent at once. On this machine to knock in vain costs next to nothing.
 */
export class Backoff {
  readonly #min: number;
  readonly #max: number | undefined;
  readonly #stable: number;
  readonly #random: () => number;
  #failures = 0;

  /** @param random in [0, 1), for tests. */
  constructor(options: ReconnectOptions = {}, random: () => number = Math.random) {
    this.#min = options.minMs ?? 250;
    this.#max = options.maxMs;
    this.#stable = options.stableMs ?? 10_000;
    this.#random = random;
  }

  /** A connection has ended after that long, in milliseconds. */
  held(durationMs: number): void {
    if (durationMs >= this.#stable) this.#failures = 0;
  }

  /** The next wait, in milliseconds. @param isNear whether the broker is on this machine. */
  next(isNear = false): number {
    const max = this.#max ?? (isNear ? MAX_NEAR : MAX_FAR);
    // 2 ** 1024 is Infinity, which min() still handles; minMs of 0 times it would be NaN.
    const bound = Math.min(max, this.#min * 2 ** Math.min(this.#failures++, 30));
    return Math.floor(this.#random() * bound);
  }
}
