interface Entry<V> {
  value: V;
  /** When it is forgotten, in `performance.now()`'s milliseconds. */
  until: number;
}

/** A Map that forgets: what was not set again within so many milliseconds, and beyond so many entries the oldest. */
export class ExpiringMap<V> {
  readonly #max: number;
  readonly #ms: number;
  readonly #now: () => number;
  /** The oldest first: who is set again goes behind the others. */
  readonly #entries = new Map<string, Entry<V>>();

  constructor(max: number, ms: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#ms = ms;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > this.#now() ? entry.value : undefined;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#now() + this.#ms });
    for (const [oldest, { until }] of this.#entries) {
      if (this.#entries.size <= this.#max && until > this.#now()) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
