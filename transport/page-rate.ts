/** What one peer address has left. */
interface Bucket {
  left: number;
  at: number;
}

/** How many pages a second each peer address is served. */
export class PageRate {
  readonly #perSecond: number;
  readonly #burst: number;
  /** None is kept that is full: as many as have asked within the time that filling takes. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Whether one more may be served. */
  take(peer: string): boolean {
    const now = performance.now();
    const bucket = this.#buckets.get(peer) ?? { left: this.#burst, at: now };
    this.#buckets.set(peer, bucket);
    bucket.left = this.#filled(bucket, now);
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** Forgets those that are full again. */
  sweep(): void {
    const now = performance.now();
    for (const [peer, bucket] of this.#buckets) {
      if (this.#filled(bucket, now) >= this.#burst) this.#buckets.delete(peer);
    }
  }

  #filled({ left, at }: Bucket, now: number): number {
    return Math.min(this.#burst, left + ((now - at) / 1000) * this.#perSecond);
  }
}
