import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { journalFactStore } from './journal-fact-store.ts';
import { type MemoryLimits, RankedMemory } from './ranked-memory.ts';

/**
 * The default memory, with agents' facts in a journal in a directory that is there already. One process at a time;
 * whoever opens it closes it, after the broker. Limits that are left out keep their defaults.
 * @throws {Error} of damage, naming the file; of facts that were kept in another way; a system error.
 */
export function openMemory(directory: string, limits: Partial<MemoryLimits> = {}): RankedMemory {
  refuseDatabase(join(directory, 'data.mdb'));
  return new RankedMemory({ ...DEFAULT_LIMITS, ...limits }, journalFactStore(directory));
}

/** Facts were kept in LMDB once: what cannot be read is not to look as if it had never been. */
function refuseDatabase(file: string): void {
  if (!existsSync(file)) return;
  throw new Error(
    `${file} has facts as an earlier version kept them, which this one does not read; move it away to begin without any facts`,
  );
}
