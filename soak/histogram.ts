/** Each bucket's bound is so much higher than the last one's: the error of a quantile. */
const STEP = 1.05;
const BUCKETS = 400;

/** Counts of values by size, small enough to send: what load processes have measured is added up in another. */
export class Histogram {
  readonly #counts: number[];

  /** @param counts of another one, as {@link Histogram.counts} gave them. */
  constructor(counts: readonly number[] = []) {
    this.#counts = Array.from({ length: BUCKETS }, (_, bucket) => counts[bucket] ?? 0);
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Counts one value, in µs; anything below one counts as one. */
  record(us: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(us) / Math.log(STEP))));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  add(counts: readonly number[]): void {
    for (const [bucket, count] of counts.entries()) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
  }

  /** The least value, in µs, that a share of all does not exceed, within 5 %. NaN of nothing. */
  quantile(share: number): number {
    const wanted = this.#counts.reduce((sum, count) => sum + count, 0) * share;
    if (wanted === 0) return Number.NaN;
    let seen = 0;
    const bucket = this.#counts.findIndex((count) => {
      seen += count;
      return seen >= wanted;
    });
    return STEP ** bucket;
  }

  clear(): void {
    this.#counts.fill(0);
  }
}
