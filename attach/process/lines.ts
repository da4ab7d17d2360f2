import { constants } from 'node:buffer';
import { LongLine } from './long-line.ts';

/** The longest line that a program may write. Bytes. */
export const MAX_LINE_BYTES = Math.min(32 * 1024 * 1024, constants.MAX_STRING_LENGTH);
/** The longest that is read as it is: parsing more would hold up everybody else. Bytes. */
export const MAX_WHOLE_BYTES = 4 * 1024 * 1024;

const NEWLINE = 0x0a;

/** What is longer than it may be. */
export interface LineBounds {
  /** The longest line that is handed over as it is. Bytes. */
  whole: number;
  /** Where it is longer: `cut` hands over its beginning, `shorten` what a {@link LongLine} keeps of it. */
  beyond: 'cut' | 'shorten';
}

/** Splits what a program writes into its lines. */
export class Lines {
  readonly #bounds: LineBounds;
  readonly #line: (line: Buffer, bytes: number) => void;
  #pending: Buffer[] = [];
  #bytes = 0;
  #long: LongLine | undefined;

  /**
   * @param line hears each, without its end, and how many bytes it had; blank ones too. It must not keep what it is given.
   */
  constructor(line: (line: Buffer, bytes: number) => void, bounds: LineBounds) {
    this.#line = line;
    this.#bounds = bounds;
  }

  /**
   * Takes a chunk from there on, up to the end of a line.
   * @returns where the next line begins in it, or its length; undefined where the line is longer than any may be.
   */
  take(chunk: Buffer, from: number): number | undefined {
    const end = chunk.indexOf(NEWLINE, from);
    const part = chunk.subarray(from, end === -1 ? chunk.length : end);
    // Nearly all: a whole line in one piece.
    if (end !== -1 && this.#bytes === 0 && part.length <= this.#bounds.whole) this.#line(part, part.length);
    else if (!this.#add(part)) return undefined;
    else if (end !== -1) this.end(true);
    return end === -1 ? chunk.length : end + 1;
  }

  /** What came after the last line's end is a line as well. @param isLine also where there is nothing. */
  end(isLine = false): void {
    const bytes = this.#bytes;
    if (bytes === 0 && !isLine) return;
    const line = bytes > this.#bounds.whole && this.#long ? this.#long.end() : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#bytes = 0;
    this.#long = undefined;
    this.#line(line, bytes);
  }

  #add(part: Buffer): boolean {
    if (part.length === 0) return true;
    const { whole, beyond } = this.#bounds;
    const room = whole - this.#bytes;
    this.#bytes += part.length;
    if (beyond === 'cut') {
      if (room > 0) this.#pending.push(part.subarray(0, room));
      return true;
    }
    if (this.#bytes > MAX_LINE_BYTES) return false;
    // From its beginning on: nobody waits until all of it has been looked through.
    this.#long ??= new LongLine(whole);
    const isKept = this.#long.push(part);
    if (room > 0) this.#pending.push(part);
    if (this.#bytes <= whole) return true;
    this.#pending = [];
    return isKept;
  }
}
