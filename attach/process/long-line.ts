/** Longest text in a long line that is kept of it. Bytes, as it is written. */
const MAX_TEXT_BYTES = 16 * 1024;
/** What is kept of a line that is no message: enough to tell a person. Bytes. */
const MAX_GARBAGE_BYTES = 1024;

const [QUOTE, BACKSLASH, BRACE] = [0x22, 0x5c, 0x7b];

/**
 * A line of JSON that is too long to be read at once, piece by piece as it comes: long texts in it count as empty, so that what
 * it is, and whose, is known all the same. Nothing is parsed; what is no JSON stays none.
 */
export class LongLine {
  readonly #max: number;
  /** What is kept, at its beginning. */
  #kept = Buffer.allocUnsafe(MAX_TEXT_BYTES);
  #length = 0;
  /** Where the text that has begun and not ended begins in what is kept; undefined between two. */
  #textFrom: number | undefined;
  /** That text is too long. */
  #isSkipping = false;
  /** Whether what comes next is escaped. */
  #isEscaped = false;
  #isMessage: boolean | undefined;

  /** @param max what may be kept of it, in bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** False once more would have to be kept than may be. */
  push(part: Buffer): boolean {
    this.#isMessage ??= part[0] === BRACE;
    if (!this.#isMessage) {
      if (this.#length < MAX_GARBAGE_BYTES) this.#keep(part, 0, Math.min(part.length, MAX_GARBAGE_BYTES));
      return true;
    }
    for (let at = 0; at < part.length && this.#fits; )
      at = this.#textFrom === undefined ? this.#outside(part, at) : this.#within(part, at, this.#textFrom);
    return this.#fits;
  }

  /** What is kept of it. It is not to be used any more. */
  end(): Buffer {
    return this.#kept.subarray(0, this.#length);
  }

  /** A text that has not ended may yet be too long, and then takes nothing. */
  get #fits(): boolean {
    return (this.#textFrom ?? this.#length) <= this.#max;
  }

  /** Up to the quote that begins a text. */
  #outside(part: Buffer, from: number): number {
    const quote = part.indexOf(QUOTE, from);
    const end = quote === -1 ? part.length : quote + 1;
    this.#keep(part, from, end);
    if (quote !== -1) this.#textFrom = this.#length;
    return end;
  }

  /** Up to the quote that ends the text. */
  #within(part: Buffer, from: number, textFrom: number): number {
    let at = from;
    for (; at < part.length; at += 1) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (part[at] === BACKSLASH) this.#isEscaped = true;
      else if (part[at] === QUOTE) break;
    }
    if (this.#length - textFrom + at - from > MAX_TEXT_BYTES) {
      this.#isSkipping = true;
      this.#length = textFrom;
    }
    if (!this.#isSkipping) this.#keep(part, from, at);
    if (at === part.length) return at;
    this.#keep(part, at, at + 1);
    this.#textFrom = undefined;
    this.#isSkipping = false;
    return at + 1;
  }

  #keep(part: Buffer, from: number, to: number): void {
    const length = this.#length + to - from;
    if (length > this.#kept.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.#kept.copy(larger, 0, 0, this.#length);
      this.#kept = larger;
    }
    part.copy(this.#kept, this.#length, from, to);
    this.#length = length;
  }
}
