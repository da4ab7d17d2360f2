import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkOptions } from '../protocol/options.ts';
import type { DurableLevel } from '../protocol/turn-journal.ts';
import { FileTurnJournal } from './file-turn-journal.ts';
import { type JournalFiles, systemFiles } from './files.ts';
import { type Found, readJournal } from './read-journal.ts';
import { RecordView, readRecords } from './records.ts';
import { type OpenSegment, SegmentMaker, UNUSED } from './segment.ts';
import { Shelf } from './shelf.ts';
import { TurnIndex } from './turn-index.ts';
import { Unproven } from './unproven.ts';

/** How long a segment is. Bytes. */
const SEGMENT_BYTES = 64 * 1024 * 1024;

/** How much of the disk a journal may take, if nobody says it. Bytes. */
export const DEFAULT_JOURNAL_BYTES = 8 * SEGMENT_BYTES;

/** Where nothing can be written it is tried again after so long. Milliseconds. */
const RETRY_MS = 1_000;

/** What the disk says when it has no room. */
const FULL_DISK = ['ENOSPC', 'EDQUOT'];

/** How a turn journal is kept. */
export interface TurnJournalOptions {
  /** Where: a directory of its own, for one process at a time. It is made where there is none, 0700. */
  directory: string;
  /** Default `process`. */
  level?: DurableLevel;
  /**
   * So much of the disk it may take, and for a while as much more as its live turns hold. Default
   * {@link DEFAULT_JOURNAL_BYTES}, 512 MiB.
   */
  maxBytes?: number;
  /** What is damaged is passed over, and put aside as `*.damaged`. Default false: it is refused. */
  repair?: boolean;
}

const OPTIONS: Readonly<Record<keyof TurnJournalOptions, true>> = {
  directory: true,
  level: true,
  maxBytes: true,
  repair: true,
};

/** What tests make smaller, faster or worse. */
export interface TurnJournalInternals {
  /** A segment that is so long is followed by another. Default 64 MiB. */
  segmentBytes?: number;
  /** Where nothing can be written it is tried again after so long. Milliseconds, default 1,000. */
  retryMs?: number;
  /** Default: the system's. */
  files?: JournalFiles;
}

/**
 * Opens the journal of a broker's turns, and reads which there are. Give it to `createBroker({ turnJournal })`, and close it after the
 * broker. On a full disk it opens `degraded`.
 *
 * @throws {TurnJournalDamaged} naming file and offset, where something that had been on disk cannot be read; {TypeError} where an
 *   option is none; a system error
 */
export async function openTurnJournal(
  options: TurnJournalOptions,
  internals: TurnJournalInternals = {},
): Promise<FileTurnJournal> {
  const { directory, level = 'process', maxBytes = DEFAULT_JOURNAL_BYTES, repair = false } = options;
  const { segmentBytes = SEGMENT_BYTES, retryMs = RETRY_MS, files = systemFiles } = internals;
  check(options);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const index = new TurnIndex();
  const record = new RecordView();
  const unproven = new Unproven();
  const found = await readJournal(files, directory, repair, (block, at, info, segment) => {
    const { lsn } = info;
    readRecords(block, record, (_record, at) => index.apply(record, segment, { lsn, at }));
    unproven.add(segment, at, info);
  });
  const epoch = randomBytes(8).toString('hex');
  const greatest = Math.max(0, ...[...found.segments, ...found.rest].map(({ number }) => number));
  const maker = new SegmentMaker(files, directory, epoch, greatest + 1);
  const damaged = new Set(found.damaged.map(({ file }) => file));
  let { synced } = unproven;
  const { tail, failure } = await unlessFull(async () => {
    await tidy(files, directory, found, unproven);
    synced = found.last;
    // It grows, and is soon followed by one that is filled ahead: where nobody resumes anything it costs next to nothing.
    return maker.make(0);
  });
  return new FileTurnJournal({
    level,
    epoch,
    directory,
    maxBytes,
    segmentBytes,
    retryMs,
    files,
    found,
    synced,
    turns: index.turns(),
    greatest: index.greatest,
    failure,
    shelf(ready) {
      const shelf = new Shelf({ files, maker, directory, segmentBytes, old: found.segments, damaged, ready });
      shelf.tail = tail;
      return shelf;
    },
  });
}

function check(options: TurnJournalOptions): void {
  checkOptions('openTurnJournal', options, OPTIONS);
  const { directory, level, maxBytes } = options;
  if (typeof directory !== 'string' || directory === '') throw new TypeError('openTurnJournal: directory is a path');
  if (level !== undefined && level !== 'process' && level !== 'disk')
    throw new TypeError('openTurnJournal: level is process or disk');
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes > 0))
    throw new TypeError('openTurnJournal: maxBytes is a number of bytes');
}

/** On a full disk there is no tail, and all is written anew once there is room. */
async function unlessFull(first: () => Promise<OpenSegment>): Promise<{ tail?: OpenSegment; failure?: unknown }> {
  try {
    return { tail: await first() };
  } catch (failure) {
    if (!FULL_DISK.includes((failure as NodeJS.ErrnoException).code ?? '')) throw failure;
    return { failure };
  }
}

/** What a crash has left goes, and what there is is on disk from now on. */
async function tidy(files: JournalFiles, directory: string, found: Found, unproven: Unproven): Promise<void> {
  const { segments, rest, tail, damaged } = found;
  const isDamaged = new Set(damaged.map(({ file }) => file));
  for (const { path } of rest) {
    if (isDamaged.has(path)) await files.rename(path, `${path}.damaged`);
    else await files.remove(path);
  }
  for (const name of await files.list(directory)) if (UNUSED.test(name)) await files.remove(join(directory, name));
  for (const segment of segments) {
    const file = await files.open(segment.path);
    try {
      if (segment.path === tail?.file && tail.offset < segment.size) {
        await files.truncate(file, tail.offset);
        segment.size = tail.offset;
      }
      await unproven.rewrite(files, file, segment, found.runs);
      await files.sync(file);
    } finally {
      await files.close(file);
    }
  }
  await files.syncDirectory(directory);
}
