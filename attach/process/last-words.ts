/** How much of it is kept. Characters. */
const KEPT = 2_000;

/** The end of what a program wrote to stderr. */
export class LastWords {
  #text = '';

  add(line: string): void {
    const text = this.#text === '' ? line : `${this.#text}\n${line}`;
    this.#text = text.length > KEPT ? text.slice(-KEPT) : text;
  }

  toString(): string {
    return this.#text;
  }
}
