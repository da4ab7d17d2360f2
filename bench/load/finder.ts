/** Finds some bytes in frame after frame, first where they were in the last one: there they hardly ever move. */
export class Finder {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text);
  }

  /** Where the bytes end, or -1 where they are not between `start` and `end`. */
  find(data: Buffer, start: number, end: number): number {
    const { length } = this.#bytes;
    const guess = start + this.#offset;
    if (guess + length < end && this.#standsAt(data, guess)) return guess + length;
    const index = data.subarray(start, end).indexOf(this.#bytes);
    if (index < 0) return -1;
    this.#offset = index;
    return start + index + length;
  }

  #standsAt(data: Buffer, at: number): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < bytes.length; index += 1) if (data[at + index] !== bytes[index]) return false;
    return true;
  }
}
