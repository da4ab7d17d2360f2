import type { JournalFiles } from './files.ts';
import { asFirst, type OpenSegment, type Segment, type SegmentMaker } from './segment.ts';

/** The first segment of a run is not filled ahead. With so many bytes in it, it is followed by one that is. */
const PREPARE_AT = 256 * 1024;
/** The next one is made when so much of a filled one is used. */
const FILLED_AT = 0.5;
/** One that is not filled ahead is made when so much of the one before is used. */
const BARE_AT = 0.75;
/** There must be room for so many segments, or none is filled ahead: what is taken from others may not make the disk full. */
const ROOM = 4;
/** After a failure none is made ahead for so long. Milliseconds. */
const PAUSE_MS = 1_000;
/** So much of a segment stays free for the block that is too long for the rest. Bytes. */
const MARGIN = 512 * 1024;

/** How a {@link Shelf} is kept. */
export interface ShelfOptions {
  readonly files: JournalFiles;
  readonly maker: SegmentMaker;
  readonly directory: string;
  /** How long a segment is. Bytes. */
  readonly segmentBytes: number;
  /** Those that are there, the oldest first. */
  readonly old: readonly Segment[];
  /** Files that are damaged: they are put aside. */
  readonly damaged: ReadonlySet<string>;
  /** One that was made ahead is ready. */
  ready(): void;
}

/** The segments of a journal: the one that is written to, one ahead, and the older ones. */
export class Shelf {
  /** Nothing can be written while there is none. */
  tail: OpenSegment | undefined;
  readonly #options: ShelfOptions;
  readonly #old: Segment[];
  #next: OpenSegment | undefined;
  #making: Promise<void> | undefined;
  /** To be used again. */
  #spare: { path: string; size: number } | undefined;
  /** One that will be, once its new name is on disk: until then it may still be the old one. */
  #freed: { path: string; size: number } | undefined;
  #pausedUntil = 0;
  /** Those that nobody needs. One file goes after the other: if the machine stops meanwhile, none is missing between two. */
  readonly #leaving: Segment[] = [];
  #removing: Promise<void> | undefined;
  /** Since the last failure. */
  #revived: Segment | undefined;
  /** The one whose name says that it is the first that counts, and the disk knows it. */
  #first: Segment | undefined;
  #marking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#old = [...options.old];
  }

  get count(): number {
    return this.#old.length + (this.tail ? 1 : 0) + (this.#next ? 1 : 0);
  }

  /** What all of them take. */
  get bytes(): number {
    let bytes = (this.#spare?.size ?? 0) + (this.#freed?.size ?? 0);
    for (const { size } of [...this.#leaving, ...this.#old]) bytes += size;
    for (const segment of [this.tail, this.#next]) if (segment) bytes += Math.max(segment.size, segment.end);
    return bytes;
  }

  get oldest(): Segment | undefined {
    return this.#old[0];
  }

  /** One is made ahead where it will be needed. */
  prepare(): void {
    const { tail } = this;
    if (!tail || this.#next || this.#making || this.#isClosed) return;
    const { segmentBytes } = this.#options;
    if (tail.end < (tail.size === 0 ? Math.min(PREPARE_AT, segmentBytes / 4) : segmentBytes * FILLED_AT)) return;
    if (performance.now() < this.#pausedUntil) return;
    this.#making = this.#make(tail).finally(() => {
      this.#making = undefined;
    });
  }

  /** Whether the tail is as long as it may be, and another is there to follow. */
  get isDue(): boolean {
    const { tail } = this;
    if (!tail || !this.#next) return false;
    if (tail.end >= this.#options.segmentBytes - Math.min(MARGIN, this.#options.segmentBytes / 2)) return true;
    // The first of a run is not filled ahead: few runs write much.
    return tail.size === 0 && this.#next.size > 0;
  }

  /** Another tail. @returns the one that there was */
  turn(): OpenSegment | undefined {
    const before = this.putAside();
    this.tail = this.#next;
    this.#next = undefined;
    return before;
  }

  /** There is no tail any more; what there was is an old one. */
  putAside(): OpenSegment | undefined {
    const before = this.tail;
    if (before) {
      before.size = Math.max(before.size, before.end);
      this.#old.push(before);
    }
    this.tail = undefined;
    return before;
  }

  /** A tail, where there is none: one that was made ahead, or a new one. @throws a system error */
  async revive(): Promise<void> {
    await this.#making;
    if (!this.#next) this.#next = await this.#options.maker.make(0);
    if (this.#isClosed) return;
    this.turn();
    this.#revived = this.tail;
  }

  /**
   * All that was written before the last failure counts no more: what is live stands in what was written since, and that is on disk.
   * Files that were given up may have holes, and those before them make no sense without them; none of both can go first.
   *
   * @returns whether it is so, even if the machine stops
   */
  async dropBefore(): Promise<boolean> {
    const segment = this.#revived;
    this.#marking = this.#marking.then(() => this.#mark(segment));
    await this.#marking;
    return this.#first === segment;
  }

  /** The oldest go, as long as nobody needs them. */
  trim(isNeeded: (segment: Segment) => boolean): void {
    // Somebody else's journal may be in that directory by now.
    if (this.#isClosed) return;
    for (let oldest = this.#old[0]; oldest && !isNeeded(oldest); oldest = this.#old[0]) {
      this.#leaving.push(oldest);
      this.#old.shift();
    }
    // Asked at each write, and nearly always there is none.
    if (this.#leaving.length === 0) return;
    this.#removing ??= this.#removeAll().finally(() => {
      this.#removing = undefined;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#making;
    await this.#removing;
    await this.#marking;
    const { files } = this.#options;
    for (const unused of [this.#spare, this.#freed]) if (unused) await files.remove(unused.path).catch(() => {});
    if (this.#next) {
      await files.close(this.#next.file);
      await files.remove(this.#next.path).catch(() => {});
    }
    if (this.tail) await files.close(this.tail.file);
  }

  /** Never rejects: one that cannot be made now is made later. */
  async #make(tail: OpenSegment): Promise<void> {
    const { files, maker, directory, segmentBytes } = this.#options;
    try {
      const isRoomy = this.#spare !== undefined || (await files.room(directory)) >= ROOM * segmentBytes;
      if (!isRoomy && tail.end < BARE_AT * segmentBytes) {
        this.#pausedUntil = performance.now() + PAUSE_MS;
        return;
      }
      const spare = this.#spare;
      this.#spare = undefined;
      this.#next = await maker.make(isRoomy ? segmentBytes : 0, spare?.path);
    } catch {
      this.#pausedUntil = performance.now() + PAUSE_MS;
      return;
    }
    if (!this.#isClosed) this.#options.ready();
  }

  /** Never rejects: what cannot be renamed now is tried again. */
  async #mark(segment: Segment | undefined): Promise<void> {
    if (!segment || segment === this.#first || this.#isClosed) return;
    const { files, directory } = this.#options;
    const path = asFirst(segment.path);
    try {
      if (path !== segment.path) await files.rename(segment.path, path);
      segment.path = path;
      await files.syncDirectory(directory);
    } catch {
      return;
    }
    this.#first = segment;
  }

  /** Never rejects: what cannot be removed now is tried again the next time. */
  async #removeAll(): Promise<void> {
    for (let segment = this.#leaving[0]; segment; segment = this.#leaving[0]) {
      try {
        await this.#remove(segment);
      } catch {
        return;
      }
      this.#leaving.shift();
    }
  }

  async #remove(segment: Segment): Promise<void> {
    const { files, maker, directory, segmentBytes, damaged } = this.#options;
    const isWanted = !this.#spare && !this.#freed && !this.#next && !this.#isClosed;
    try {
      if (damaged.has(segment.path)) await files.rename(segment.path, `${segment.path}.damaged`);
      else {
        const path = await maker.free(segment, isWanted && segment.size === segmentBytes);
        if (path !== undefined) this.#freed = { path, size: segment.size };
      }
    } catch (error) {
      // It went the last time, and the directory could not be synced.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await files.syncDirectory(directory);
    if (!this.#freed) return;
    this.#spare = this.#freed;
    this.#freed = undefined;
  }
}
