interface Waiting {
  position: number;
  readonly run: () => void;
}

/** Who waits until the journal may be relied on up to a position. Whoever no longer does leaves nothing behind. */
export class Settling {
  /** In the order in which they came: what is said later is settled later. */
  readonly #waiting = new Set<Waiting>();

  /** @returns takes it back */
  add(position: number, run: () => void): () => void {
    const waiting: Waiting = { position, run };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** Calls those who wait for no more than this. What one of them adds is looked at, too. */
  settle(position: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.position > position) return;
      this.#waiting.delete(waiting);
      waiting.run();
    }
  }

  /** Whoever waits for more than this waits for this now: it is all there is to be. */
  lower(position: number): void {
    for (const waiting of this.#waiting) waiting.position = Math.min(waiting.position, position);
  }
}
