import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { checkDatabase } from './check-database.ts';
import { lmdbFactStore } from './lmdb-fact-store.ts';
import { type MemoryLimits, RankedMemory } from './ranked-memory.ts';

/**
 * The default memory, with agents' facts in an LMDB database in a directory that is there already. One process at a
 * time; whoever opens it closes it, after the broker. Limits that are left out keep their defaults.
 * @throws {Error} of a damaged database, whose file it names; and whatever LMDB says of a directory that it cannot use.
 */
export function openMemory(directory: string, limits: Partial<MemoryLimits> = {}): RankedMemory {
  checkDatabase(directory);
  return new RankedMemory({ ...DEFAULT_LIMITS, ...limits }, lmdbFactStore(directory));
}
