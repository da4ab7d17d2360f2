import type { JournalFiles } from './files.ts';
import type { BlockInfo } from './format.ts';
import type { Run } from './read-journal.ts';
import type { Segment } from './segment.ts';

/** So much is written at a time. Bytes. */
const CHUNK = 256 * 1024;

/**
 * Blocks of which no later one says that they are on disk. They can be read, and that proves nothing: where a sync fails, the system lets
 * go of what was not written, tells it once, to a process that may be dead by now, and still has it in memory. Another sync would write
 * nothing. So such bytes are written once more, where they stand, and then synced.
 */
export class Unproven {
  #blocks: { segment: Segment; at: number; lsn: number }[] = [];
  /** Up to this one they are on disk: a later one says so. */
  synced = 0;

  /** In order. */
  add(segment: Segment, at: number, { lsn, synced }: BlockInfo): void {
    this.#blocks.push({ segment, at, lsn });
    if (synced <= this.synced) return;
    this.synced = synced;
    const first = this.#blocks.findIndex((block) => block.lsn > synced);
    this.#blocks.splice(0, first);
  }

  /** Those of one segment. @param file - it, open. @throws a system error */
  async rewrite(files: JournalFiles, file: number, segment: Segment, runs: readonly Run[]): Promise<void> {
    const from = this.#blocks.find((block) => block.segment === segment)?.at;
    if (from === undefined) return;
    for (const run of runs) {
      const begin = Math.max(from, run.begin);
      if (run.segment !== segment || begin >= run.end) continue;
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK, run.end - begin));
      for (let at = begin; at < run.end; at += bytes.length) {
        const some = bytes.subarray(0, Math.min(bytes.length, run.end - at));
        await files.write(file, some.subarray(0, await files.read(file, some, at)), at);
      }
    }
  }
}
