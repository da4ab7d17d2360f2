/** Work that may be done again and again takes this part of the time at most, however much it has become. */
const SHARE = 1 / 10;

/**
 * When something that takes ever longer may be done again. A live turn of many thousand records is read anew as it grows: the
 * page is there for whoever looks at it, too.
 */
export class Pace {
  #dueAt = Number.NEGATIVE_INFINITY;

  /** It took from then to then. Milliseconds of one clock, here as below. */
  took(from: number, until: number): void {
    this.#dueAt = until + (until - from) * (1 / SHARE - 1);
  }

  /** How long it is to be let be; 0: it may be done. */
  left(now: number): number {
    return Math.max(0, this.#dueAt - now);
  }
}
