import type { JournalFiles } from './files.ts';
import type { OpenSegment, Segment, SegmentMaker } from './segment.ts';

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
  #spare: { path: string; size: number } | undefined;
  #pausedUntil = 0;
  /** Those that nobody needs. One file goes after the other: if the machine stops meanwhile, none is missing between two. */
  readonly #leaving: Segment[] = [];
  #removing: Promise<void> | undefined;
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
    let bytes = this.#spare?.size ?? 0;
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
  }

  /** The oldest go, as long as nobody needs them. @returns whether all of those have gone, and the disk knows it */
  async trim(isNeeded: (segment: Segment) => boolean): Promise<boolean> {
    // Somebody else's journal may be in that directory by now.
    if (this.#isClosed) return false;
    for (let oldest = this.#old[0]; oldest && !isNeeded(oldest); oldest = this.#old[0]) {
      this.#leaving.push(oldest);
      this.#old.shift();
    }
    // Asked at each write, and nearly always there is none.
    if (this.#leaving.length === 0) return true;
    this.#removing ??= this.#removeAll().finally(() => {
      this.#removing = undefined;
    });
    await this.#removing;
    return this.#leaving.length === 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#making;
    await this.#removing;
    const { files } = this.#options;
    if (this.#spare) await files.remove(this.#spare.path).catch(() => {});
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
    if (damaged.has(segment.path)) await files.rename(segment.path, `${segment.path}.damaged`);
    else {
      const isReusable = segment.size === segmentBytes && !this.#spare && !this.#next && !this.#isClosed;
      const path = await maker.free(segment, isReusable);
      if (path !== undefined) this.#spare = { path, size: segment.size };
    }
    await files.syncDirectory(directory);
  }
}
