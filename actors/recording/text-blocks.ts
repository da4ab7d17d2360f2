import { RUN_LENGTH } from './text-run.ts';

/** A text is kept in so many of these as it needs. Bytes. */
const BLOCK_BYTES = 2_048;
/** What a block takes besides: the object by which it is known. Bytes. */
const VIEW_BYTES = 128;
/** Blocks that are made at once. */
const SLAB_BLOCKS = 128;
/** Where a text is written as UTF-8. A character takes three bytes at most. */
const scratch = Buffer.allocUnsafeSlow(3 * RUN_LENGTH);

/** A text outside the heap. */
export interface KeptText {
  readonly blocks: readonly Buffer[];
  /** In bytes. */
  readonly length: number;
}

/**
 * Keeps texts outside the heap, in memory that is used again and never given back. A string that is kept is copied by the next
 * two collections of young objects; and each ten megabytes of them cause a collection of everything, which is dearer than all
 * else that is done for them. So do bytes of an `ArrayBuffer`, but not those of a shared one.
 */
export class TextBlocks {
  readonly #free: Buffer[] = [];

  /** Undefined where a text is so short, or has half a character in it, that it had better stay a string. */
  put(text: string): KeptText | undefined {
    if (text.length < BLOCK_BYTES || !text.isWellFormed()) return undefined;
    const isLong = 3 * text.length > scratch.length;
    const bytes = isLong ? Buffer.from(text) : scratch.subarray(0, scratch.write(text));
    const blocks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = this.#take();
      bytes.copy(block, 0, at, at + BLOCK_BYTES);
      blocks.push(block);
    }
    return { blocks, length: bytes.length };
  }

  /** Nobody may read it any more. */
  release({ blocks }: KeptText): void {
    this.#free.push(...blocks);
  }

  #take(): Buffer {
    const free = this.#free.pop();
    if (free) return free;
    const slab = new SharedArrayBuffer(SLAB_BLOCKS * BLOCK_BYTES);
    for (let at = 1; at < SLAB_BLOCKS; at += 1) this.#free.push(Buffer.from(slab, at * BLOCK_BYTES, BLOCK_BYTES));
    return Buffer.from(slab, 0, BLOCK_BYTES);
  }
}

/** A text as it was put. */
export function textOf({ blocks, length }: KeptText): string {
  return Buffer.concat(blocks, length).toString();
}

/** What it takes, in bytes. */
export function bytesOfText({ blocks }: KeptText): number {
  return blocks.length * (BLOCK_BYTES + VIEW_BYTES);
}
