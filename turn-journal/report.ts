import { type JournalFiles, systemFiles } from './files.ts';
import { type Place, readJournal } from './read-journal.ts';
import { RecordView, readRecords } from './records.ts';
import { type IndexedTurn, TurnIndex } from './turn-index.ts';

/** Files may go, and be used again, while they are read: a daemon is writing. Then all is read once more, so often. */
const TRIES = 5;

/** What a journal on disk holds. */
export interface JournalReport {
  /** Those that hold some of it, in order. Bytes: on disk. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** That were not forgotten. */
  readonly turns: readonly IndexedTurn[];
  readonly blocks: number;
  readonly records: number;
  /** Where something cannot be read that had been on disk. */
  readonly damaged: readonly Place[];
  /** Where a crash, or a daemon that is writing just now, has left the last block unfinished. */
  readonly torn: Place | undefined;
}

/** Reads a journal, and changes nothing. @throws a system error */
export async function reportJournal(directory: string, files: JournalFiles = systemFiles): Promise<JournalReport> {
  for (let left = TRIES; ; left -= 1) {
    try {
      const before = await files.list(directory);
      const found = await report(directory, files);
      const after = new Set(await files.list(directory));
      // What a file held that another was made of meanwhile is neither damaged nor missing: nobody needs it any more.
      if (left <= 1 || before.every((name) => after.has(name))) return found;
    } catch (error) {
      const isGone =
        (error as NodeJS.ErrnoException).code === 'ENOENT' && (error as NodeJS.ErrnoException).path !== directory;
      if (!isGone || left <= 1) throw error;
    }
  }
}

async function report(directory: string, files: JournalFiles): Promise<JournalReport> {
  const index = new TurnIndex();
  const record = new RecordView();
  let blocks = 0;
  let records = 0;
  const found = await readJournal(files, directory, true, (block, _at, { lsn }, segment) => {
    blocks += 1;
    readRecords(block, record, (_record, at) => {
      records += 1;
      index.apply(record, segment, { lsn, at });
    });
  });
  return {
    files: found.segments.map(({ path, size }) => ({ path, bytes: size })),
    turns: index.turns(),
    blocks,
    records,
    damaged: found.damaged,
    torn: found.isTorn ? found.tail : undefined,
  };
}
