import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { lmdbFactStore } from './lmdb-fact-store.ts';
import { type MemoryLimits, RankedMemory } from './ranked-memory.ts';

/**
 * The default memory, with agents' facts in an LMDB database in a directory that is there already. One process at a
 * time; whoever opens it closes it, after the broker.
 * @throws whatever LMDB says of a directory that it cannot use.
 */
export function openMemory(directory: string, limits: MemoryLimits = DEFAULT_LIMITS): RankedMemory {
  return new RankedMemory(limits, lmdbFactStore(directory));
}
