/** An answer that takes work to make: made by one at a time, and kept for a while for all who ask. A failure is not kept. */
export class SharedAnswer<T> {
  readonly #make: () => Promise<T>;
  readonly #maxAgeMs: number;
  #answer: Promise<T> | undefined;

  constructor(make: () => Promise<T>, maxAgeMs: number) {
    this.#make = make;
    this.#maxAgeMs = maxAgeMs;
  }

  get(): Promise<T> {
    this.#answer ??= this.#begin();
    return this.#answer;
  }

  #begin(): Promise<T> {
    const forget = () => {
      this.#answer = undefined;
    };
    const answer = this.#make();
    // Counted from its end: one that takes longer than that is shared too.
    answer.then(() => {
      if (this.#maxAgeMs === 0) forget();
      else setTimeout(forget, this.#maxAgeMs).unref();
    }, forget);
    return answer;
  }
}
