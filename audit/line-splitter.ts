import { MAX_LINE_BYTES } from './file.ts';

/** More than any line between two processes of one trail. Bytes. */
const MAX_PART_BYTES = 2 * MAX_LINE_BYTES;

/** Lines of what comes in pieces. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws {Error} where a line is longer than any may be */
  take(chunk: Buffer): string[] {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = all.lastIndexOf(0x0a);
    this.#rest = all.subarray(end + 1);
    if (this.#rest.length > MAX_PART_BYTES) throw new Error('a line is too long');
    return end < 0 ? [] : all.toString('utf8', 0, end).split('\n');
  }
}
