/** One frame in so many is timed. */
const SAMPLE_EVERY = 64;
/** How many times are kept for quantiles. */
const KEPT = 4_096;
/** How far back quantiles look, in milliseconds. */
const SPAN_MS = 10_000;
/** Upper bounds of the histogram, in seconds. */
export const ROUTING_BUCKETS: readonly number[] = [
  0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1,
];

/** Quantiles of the last times, in milliseconds; all zero where there are none. */
export interface RoutingQuantiles {
  p50: number;
  p99: number;
  max: number;
  samples: number;
}

/**
 * How long an agent's event takes from its arrival until it is in its host's queue. Of most frames no more is done than
 * to count them; everything else waits until somebody reads it.
 */
export class RoutingTimes {
  /** Events in each of {@link ROUTING_BUCKETS}, and beyond them. */
  readonly buckets: number[] = new Array(ROUTING_BUCKETS.length + 1).fill(0);
  /** Events timed since the start. */
  count = 0;
  /** The seconds that they took together. */
  sum = 0;
  readonly #times = new Float64Array(KEPT);
  readonly #endedAt = new Float64Array(KEPT);
  #frames = 0;

  /** A frame has arrived: gives when, in the milliseconds of `performance.now()`, or 0 where it is not timed. */
  begin(): number {
    this.#frames += 1;
    return this.#frames % SAMPLE_EVERY === 0 ? performance.now() : 0;
  }

  /** It has been routed. */
  end(startedAt: number): void {
    const now = performance.now();
    const ms = now - startedAt;
    const slot = this.count % KEPT;
    this.#times[slot] = ms;
    this.#endedAt[slot] = now;
    this.count += 1;
    this.sum += ms / 1000;
    const bucket = ROUTING_BUCKETS.findIndex((bound) => ms / 1000 <= bound);
    const at = bucket < 0 ? ROUTING_BUCKETS.length : bucket;
    this.buckets[at] = (this.buckets[at] ?? 0) + 1;
  }

  /** Of the last ten seconds. */
  quantiles(): RoutingQuantiles {
    const since = performance.now() - SPAN_MS;
    const kept = Math.min(this.count, KEPT);
    const times = this.#times.subarray(0, kept).filter((_, slot) => (this.#endedAt[slot] ?? 0) >= since);
    times.sort();
    const at = (share: number) => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0;
    return { p50: at(0.5), p99: at(0.99), max: at(1), samples: times.length };
  }
}
