import { join } from 'node:path';
import { SEGMENT_HEADER } from '../journal/blocks.ts';
import type { JournalFiles } from './files.ts';
import type { BlockInfo } from './format.ts';
import { beginningAt, blockAt, findBlock, openSource, readBlocks, type Source } from './read-blocks.ts';
import { isFirst, numberOf, type Segment } from './segment.ts';

/** Something of the journal that was on disk once cannot be read any more. */
export class TurnJournalDamaged extends Error {
  override readonly name = 'TurnJournalDamaged';
  /** Its path. */
  readonly file: string;
  /** The byte in it from which on it cannot be read. */
  readonly offset: number;
  constructor({ file, offset }: Place) {
    super(`${file} is damaged, or a part of it is missing (at byte ${offset})`);
    this.file = file;
    this.offset = offset;
  }
}

export interface Place {
  readonly file: string;
  readonly offset: number;
}

/** Bytes of a segment that are whole blocks, one after the other. */
export interface Run {
  readonly segment: Segment;
  readonly begin: number;
  readonly end: number;
  /** The number of its first block. */
  readonly first: number;
}

/** What a journal on disk was found to be. */
export interface Found {
  /** All that is good, in order. */
  readonly runs: readonly Run[];
  /** Files that hold some of it. */
  readonly segments: readonly Segment[];
  /** Those that hold nothing of it: empty ones, what a crash has left, and what counts no more. */
  readonly rest: readonly Segment[];
  /** The number of the last block; 0 where there is none. */
  readonly last: number;
  /** Where the last of it ends; undefined where there is nothing. */
  readonly tail: Place | undefined;
  /** A crash has cut the last block short: some of it stands there. */
  readonly isTorn: boolean;
  /** What could not be read though it had been on disk, where that was to be passed over. */
  readonly damaged: readonly Place[];
}

/** Told of each good block, in order. */
export type EachFound = (block: Buffer, at: number, info: BlockInfo, segment: Segment) => void;

/**
 * Reads a whole journal. Nothing is changed.
 *
 * @param isRepair - what is damaged is passed over, and what follows is told all the same
 * @throws {TurnJournalDamaged} otherwise; a system error
 */
export async function readJournal(
  files: JournalFiles,
  directory: string,
  isRepair: boolean,
  each: EachFound,
): Promise<Found> {
  const sources: Source[] = [];
  try {
    for (const name of await files.list(directory)) {
      const number = numberOf(name);
      if (number === undefined) continue;
      const path = join(directory, name);
      sources.push(await openSource(files, { number, path, size: await files.size(path) }));
    }
    sources.sort((a, b) => a.number - b.number);
    return await new Reading(files, sources, isRepair, each).read();
  } finally {
    for (const { file } of sources) await files.close(file);
  }
}

class Reading {
  readonly #files: JournalFiles;
  readonly #sources: readonly Source[];
  /** What was written before all that was live was written anew. Files that were given up are there: they may have holes. */
  readonly #void: readonly Source[];
  readonly #isRepair: boolean;
  readonly #each: EachFound;
  readonly #runs: Run[] = [];
  readonly #damaged: Place[] = [];
  #next: number | undefined;
  #tail: Place | undefined;
  #isTorn = false;

  constructor(files: JournalFiles, sources: readonly Source[], isRepair: boolean, each: EachFound) {
    this.#files = files;
    const first = sources.findLastIndex(({ path }) => isFirst(path));
    this.#void = sources.slice(0, Math.max(0, first));
    this.#sources = sources.slice(this.#void.length);
    this.#isRepair = isRepair;
    this.#each = each;
  }

  async read(): Promise<Found> {
    for (const source of this.#sources) if (source.seed === undefined) this.#note({ file: source.path, offset: 0 });
    let at: { index: number; begin: number } | undefined = { index: 0, begin: SEGMENT_HEADER };
    while (at && at.index < this.#sources.length) {
      const { index, begin }: { index: number; begin: number } = at;
      const end = await this.#run(index, begin);
      const following = await this.#following(index, end);
      at = following === undefined ? await this.#hole(index, end) : { index: following, begin: SEGMENT_HEADER };
    }
    const segments = [...new Set(this.#runs.map(({ segment }) => segment))];
    const kept = new Set(segments.map(({ number }) => number));
    return {
      runs: this.#runs,
      segments,
      rest: [...this.#void, ...this.#sources.filter(({ number }) => !kept.has(number))].map(bare),
      last: (this.#next ?? 1) - 1,
      tail: this.#tail,
      isTorn: this.#isTorn,
      damaged: this.#damaged,
    };
  }

  /** Tells what follows in one segment. @returns where it ends */
  async #run(index: number, begin: number): Promise<number> {
    const source = this.#sources[index] as Source;
    const segment = this.#runs.find((run) => run.segment.number === source.number)?.segment ?? bare(source);
    let first: number | undefined;
    const { end, next } = await readBlocks(this.#files, source, { begin, next: this.#next }, (block, at, info) => {
      first ??= info.lsn;
      this.#each(block, at, info, segment);
    });
    this.#next = next;
    if (first !== undefined) this.#runs.push({ segment, begin, end, first });
    return end;
  }

  /** The next segment that goes on where this one ends. Those between are empty. */
  async #following(index: number, end: number): Promise<number | undefined> {
    let expected = this.#next;
    if (expected === undefined) {
      // Nothing was read yet: is it empty, or can its beginning not be read?
      const source = this.#sources[index] as Source;
      if (await findBlock(this.#files, source, end, 0)) return undefined;
      // Where its only block cannot be read, only that which was written in its place goes on.
      expected = (await beginningAt(this.#files, source, end))?.lsn;
    }
    for (let next = index + 1; next < this.#sources.length; next += 1) {
      const first = await blockAt(this.#files, this.#sources[next] as Source, SEGMENT_HEADER);
      if (first && (expected === undefined || first.info.lsn === expected)) return next;
    }
    return undefined;
  }

  /** Nothing goes on here. A crash has left it so, unless a later block says that it had been on disk. */
  async #hole(index: number, end: number): Promise<{ index: number; begin: number } | undefined> {
    let found: { index: number; begin: number; lsn: number } | undefined;
    const least = this.#next ?? 0;
    for (let later = index; later < this.#sources.length; later += 1) {
      const source = this.#sources[later] as Source;
      let from = later === index ? Math.max(end, SEGMENT_HEADER) : SEGMENT_HEADER;
      for (;;) {
        const block = await findBlock(this.#files, source, from, least);
        if (!block) break;
        found ??= { index: later, begin: block.at, lsn: block.info.lsn };
        const missing = this.#next ?? found.lsn - 1;
        if (block.info.synced >= missing && missing > 0) return this.#damage(index, end, found);
        from = block.at + block.info.size;
      }
    }
    await this.#ends(index, end);
    return undefined;
  }

  async #ends(index: number, end: number): Promise<void> {
    const source = this.#sources[index] as Source;
    if (this.#next === undefined) return;
    this.#tail = { file: source.path, offset: end };
    this.#isTorn = (await beginningAt(this.#files, source, end))?.lsn === this.#next;
  }

  #damage(index: number, end: number, found: { index: number; begin: number; lsn: number }) {
    // Between where it ends and where it goes on there is a segment of which nothing, or not the beginning, can be read.
    const isBetween = found.index > index + 1 || (found.index > index && found.begin !== SEGMENT_HEADER);
    const at = isBetween ? index + 1 : index;
    this.#note({ file: (this.#sources[at] as Source).path, offset: at === index ? end : SEGMENT_HEADER });
    this.#next = found.lsn;
    return { index: found.index, begin: found.begin };
  }

  #note(place: Place): void {
    if (!this.#isRepair) throw new TurnJournalDamaged(place);
    this.#damaged.push(place);
  }
}

const bare = ({ number, path, size }: Segment): Segment => ({ number, path, size });
