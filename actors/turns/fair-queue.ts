/** So many wait for each. */
export const MAX_ASKED = 1_000;

/** What waits to be run, by whose it is: each has its turn, whoever has asked for how much before. */
export class FairQueue<T extends object> {
  readonly #waiting = new Map<T, (() => void)[]>();

  /** @returns false where too much of this one's waits already */
  add(whose: T, run: () => void): boolean {
    const own = this.#waiting.get(whose);
    if (!own) this.#waiting.set(whose, [run]);
    else if (own.length < MAX_ASKED) own.push(run);
    else return false;
    return true;
  }

  /** The next one, if any waits. */
  take(): (() => void) | undefined {
    const [first] = this.#waiting;
    if (!first) return undefined;
    const [whose, own] = first;
    const run = own.shift();
    // Behind all others that wait.
    this.#waiting.delete(whose);
    if (own.length > 0) this.#waiting.set(whose, own);
    return run;
  }
}
