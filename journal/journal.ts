import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BLOCK_HEADER, encodeBlock, RECORD_HEADER, readBlocks, readRecords } from './blocks.ts';
import { Segment } from './segment.ts';

/** What is written and synced in one go, at most; one record may be larger. */
const BATCH_BYTES = 1024 * 1024;
/** How long a segment is, about. Bytes. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Places in different segments are further apart than a segment is long. */
const SEGMENT_SPACE = 2 ** 32;
const NAME = /^(\d{1,10})\.seg$/;

/** Told of each record that is on disk, and of its place. */
export type Applied = (record: Buffer, place: number) => void;

interface Entry {
  record: Buffer;
  applied: (place: number) => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** What is being written. */
interface Flight {
  entries: readonly Entry[];
  block: Buffer;
  /** It is on disk already, by a write that could not wait for it. */
  isSettled: boolean;
  /** A sync that could not wait for it failed: that the next one succeeds says nothing of what was given up then. */
  failure?: unknown;
}

/** How a {@link Journal} is kept. */
export interface JournalOptions {
  /** A segment that is so long is followed by another. Default 8 MiB. */
  segmentBytes?: number;
}

/**
 * Records in the order in which they were added, in a directory that is there already: segments `N.seg`, mode 0600. What
 * is added while something is being written is written with what comes next, in one go, and synced. A write that fails is
 * taken back as a whole, and the next one is tried as if there had been none. One process at a time.
 *
 * A crash costs nothing that was synced: half a block at the end is cut off when the journal is opened, and damage
 * anywhere else is told from that.
 */
export class Journal {
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #segments = new Map<number, Segment>();
  #tail: Segment;
  #waiting: Entry[] = [];
  #flight: Flight | undefined;
  #work: Promise<void> | undefined;
  /** Something that failed may be behind the tail's end. */
  #hasRest = false;
  /** A sync failed: the kernel may have given up what it had not written, so nothing is added to that file. */
  #isSpoiled = false;
  #isClosed = false;

  /**
   * @param applied - is told what is there.
   * @throws {Error} naming the file, where a segment is damaged or missing; a system error.
   */
  constructor(directory: string, applied: Applied, { segmentBytes = SEGMENT_BYTES }: JournalOptions = {}) {
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    try {
      this.#tail = this.#open(applied);
    } catch (error) {
      for (const segment of this.#segments.values()) segment.close();
      throw error;
    }
  }

  #open(applied: Applied): Segment {
    const numbers = readdirSync(this.#directory)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    let tail: Segment | undefined;
    for (const [index, number] of numbers.entries()) {
      const path = this.#pathOf(number);
      if (tail && number !== tail.number + 1) throw new Error(`${this.#pathOf(tail.number + 1)} is missing`);
      const segment = Segment.open(number, path, index === numbers.length - 1, (block, at) =>
        readRecords(block, (record, begin) => applied(record, number * SEGMENT_SPACE + at + begin)),
      );
      if (!segment) continue;
      this.#segments.set(number, segment);
      tail = segment;
    }
    return tail ?? this.#create((numbers[0] ?? 1) || 1);
  }

  #create(number: number): Segment {
    const segment = Segment.create(number, this.#pathOf(number));
    this.#segments.set(number, segment);
    return segment;
  }

  #pathOf(number: number): string {
    return join(this.#directory, `${String(number).padStart(6, '0')}.seg`);
  }

  /** Of all segments. */
  get bytes(): number {
    let sum = 0;
    for (const { end } of this.#segments.values()) sum += end;
    return sum;
  }

  /** The number of the first segment, where nothing is added to it any more. */
  get oldest(): number | undefined {
    for (const number of this.#segments.keys()) return number === this.#tail.number ? undefined : number;
    return undefined;
  }

  /** The number of the segment that a place is in. */
  static segmentOf(place: number): number {
    return Math.floor(place / SEGMENT_SPACE);
  }

  /** Bytes from a place on: as many as there are, up to `length`. */
  read(place: number, length: number): Buffer {
    const segment = this.#segments.get(Journal.segmentOf(place));
    if (!segment) throw new Error('the journal has no such place');
    return segment.read(place % SEGMENT_SPACE, length);
  }

  /**
   * Adds a record. `applied` is called when it is on disk, before anything else can happen; then this resolves.
   * Rejects with the system error where it could not be written: nothing of it is there then.
   */
  append(record: Buffer, applied: (place: number) => void): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the journal is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, applied, resolve, reject });
      this.#work ??= this.#run();
    });
  }

  /**
   * Adds a record behind all that was added before, and returns when all of it is on disk.
   * @throws the system error; what was added before is tried again then, in its own time.
   */
  appendNow(record: Buffer): void {
    if (this.#isClosed) throw new Error('the journal is closed');
    const flight = this.#flight;
    if (!flight) this.#makeReady();
    const tail = this.#tail;
    const waiting = this.#waiting;
    const block = encodeBlock([...waiting.map((entry) => entry.record), record], tail.seed, tail.end);
    try {
      // What is being written is written once more, to the same place: who is first does not matter.
      tail.writeNow(flight ? Buffer.concat([flight.block, block]) : block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === 'fdatasync') {
        this.#isSpoiled = true;
        if (flight) flight.failure = error;
      }
      this.#takeBack(tail.end + (flight?.block.length ?? 0));
      throw error;
    }
    this.#waiting = [];
    if (flight) {
      flight.isSettled = true;
      this.#settle(flight.entries, flight.block.length);
    }
    this.#settle(waiting, block.length);
  }

  /**
   * Tells the records of the oldest segment, one block in each turn of the event loop. Nobody is told what is removed
   * meanwhile.
   */
  async readOldest(each: (record: Buffer, place: number) => void, between: () => Promise<unknown>): Promise<void> {
    const number = this.oldest;
    const segment = number === undefined ? undefined : this.#segments.get(number);
    if (!segment || number === undefined) return;
    const bytes = await segment.readAll();
    const blocks: [Buffer, number][] = [];
    readBlocks(bytes, segment.seed, (block, at) => blocks.push([block, at]));
    for (const [block, at] of blocks) {
      readRecords(block, (record, begin) => each(record, number * SEGMENT_SPACE + at + begin));
      await between();
    }
  }

  /** Nobody needs what is in the oldest segment. */
  removeOldest(): void {
    const number = this.oldest;
    if (number === undefined) return;
    this.#segments.get(number)?.remove();
    this.#segments.delete(number);
  }

  /** Resolves when what was added is written, or could not be. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#work;
    for (const segment of this.#segments.values()) segment.close();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    // So that what is added in one go is written in one go.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const entries = this.#take();
      try {
        await this.#write(entries);
      } catch (error) {
        for (const { reject } of entries) reject(error);
      }
    }
    this.#work = undefined;
  }

  #take(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#waiting) {
      bytes += record.length + RECORD_HEADER;
      if (count > 0 && bytes > BATCH_BYTES) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    this.#makeReady();
    const tail = this.#tail;
    const block = encodeBlock(
      entries.map(({ record }) => record),
      tail.seed,
      tail.end,
    );
    const flight: Flight = { entries, block, isSettled: false };
    this.#flight = flight;
    let isWritten = false;
    try {
      await tail.write(block);
      isWritten = true;
      await tail.sync();
      if (flight.failure) throw flight.failure;
    } catch (error) {
      if (flight.isSettled) return;
      if (isWritten) this.#isSpoiled = true;
      this.#takeBack(tail.end);
      throw error;
    } finally {
      this.#flight = undefined;
    }
    if (!flight.isSettled) this.#settle(entries, block.length);
  }

  /** A tail that can be written to: without a rest, and with room. */
  #makeReady(): void {
    if (this.#hasRest) this.#tail.cut();
    this.#hasRest = false;
    if (!this.#isSpoiled && this.#tail.end < this.#segmentBytes) return;
    this.#tail = this.#create(this.#tail.number + 1);
    this.#isSpoiled = false;
  }

  #takeBack(length: number): void {
    try {
      this.#tail.cut(length);
    } catch {
      // Before the next write, then.
      this.#hasRest = true;
    }
  }

  /** A block of these entries is on disk, and perhaps of one more record. */
  #settle(entries: readonly Entry[], length: number): void {
    const tail = this.#tail;
    let place = tail.number * SEGMENT_SPACE + tail.end + BLOCK_HEADER;
    tail.end += length;
    for (const { record, applied, resolve } of entries) {
      applied(place + RECORD_HEADER);
      place += RECORD_HEADER + record.length;
      resolve();
    }
  }
}
