import { join } from 'node:path';
import { SEGMENT_HEADER, seedOf, segmentHeader } from '../journal/blocks.ts';
import type { JournalFiles } from './files.ts';
import { SEGMENT_NAME } from './format.ts';

const NAME = /^([0-9a-f]{16})-(\d{1,15})(\.first)?\.seg$/;
/** What is not yet, or no longer, a segment: nobody reads it. */
export const UNUSED = /^[0-9a-f]{16}-\d{1,15}\.(new|free)$/;

/** Zeros are written in pieces of so many bytes. */
const FILL_BYTES = 1024 * 1024;

/** A file that blocks are, or were, written to. */
export interface Segment {
  /** Of one journal the greater one is the later. */
  readonly number: number;
  /** Another once it is the first one that counts. */
  path: string;
  /** Bytes that it takes on disk, at least. */
  size: number;
}

/** One that is open, to be written. */
export interface OpenSegment extends Segment {
  readonly file: number;
  readonly seed: number;
  /** Bytes of it that are whole blocks. */
  end: number;
}

export const segmentName = (epoch: string, number: number): string => `${epoch}-${String(number).padStart(6, '0')}.seg`;

/** The number that a segment's name has; undefined where it is none. */
export function numberOf(name: string): number | undefined {
  const number = NAME.exec(name)?.[2];
  return number === undefined ? undefined : Number(number);
}

/**
 * Whether its name says that all before it counts no more: neither what stands there, nor that something does not. A name, because it
 * changes at once: there is no moment, whenever the machine stops, at which some of what is before is needed, and some has gone.
 */
export const isFirst = (path: string): boolean => path.endsWith('.first.seg');

/** The name that says so. */
export const asFirst = (path: string): string => (isFirst(path) ? path : path.replace(/seg$/, 'first.seg'));

/** What makes segments, ahead of need and in the system's pool. */
export class SegmentMaker {
  readonly #files: JournalFiles;
  readonly #directory: string;
  readonly #epoch: string;
  #next: number;

  constructor(files: JournalFiles, directory: string, epoch: string, next: number) {
    this.#files = files;
    this.#directory = directory;
    this.#epoch = epoch;
    this.#next = next;
  }

  /**
   * A new one. It is on disk by its name, and empty, when this resolves; where it fails nothing is left of it.
   * @param size - so many bytes of it are zeros already: what is written there needs no more room, and can be synced while more is
   * written. 0: it grows.
   * @param old - a file of that size that nobody needs, to be used again: what stands in it cannot be read any more
   */
  async make(size: number, old?: string): Promise<OpenSegment> {
    const number = this.#next;
    this.#next += 1;
    const path = join(this.#directory, segmentName(this.#epoch, number));
    const unfinished = path.replace(/seg$/, 'new');
    let file: number | undefined;
    try {
      if (old !== undefined) await this.#files.rename(old, unfinished);
      file = old === undefined ? await this.#files.create(unfinished) : await this.#files.open(unfinished);
      if (old === undefined) await this.#fill(file, size);
      const header = segmentHeader(SEGMENT_NAME);
      await this.#files.write(file, header, 0);
      await this.#files.sync(file);
      await this.#files.rename(unfinished, path);
      await this.#files.syncDirectory(this.#directory);
      return { number, path, size, file, seed: seedOf(header, SEGMENT_NAME) as number, end: SEGMENT_HEADER };
    } catch (error) {
      if (file !== undefined) await this.#files.close(file).catch(() => {});
      for (const left of [unfinished, path]) await this.#files.remove(left).catch(() => {});
      throw error;
    }
  }

  /** A segment that nobody needs. @returns where it is now, if it can be used again */
  async free(segment: Segment, isWanted: boolean): Promise<string | undefined> {
    if (!isWanted) {
      await this.#files.remove(segment.path);
      return undefined;
    }
    const path = segment.path.replace(/(first\.)?seg$/, 'free');
    await this.#files.rename(segment.path, path);
    return path;
  }

  async #fill(file: number, size: number): Promise<void> {
    const zeros = Buffer.alloc(Math.min(FILL_BYTES, size));
    for (let at = 0; at < size; at += zeros.length)
      await this.#files.write(file, zeros.subarray(0, Math.min(zeros.length, size - at)), at);
  }
}
