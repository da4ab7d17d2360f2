/** How many there are of each. What there is none of is not remembered. */
export class Tally {
  readonly #counts = new Map<string, number>();

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** So many more, or less. */
  add(what: string, more: number): void {
    const count = this.of(what) + more;
    if (count === 0) this.#counts.delete(what);
    else this.#counts.set(what, count);
  }
}
