import { type FactRow, factRow } from '../../protocol/memory.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { attempt } from '../attempt.ts';
import type { BrokerState } from '../broker-state.ts';
import type { Client } from '../client.ts';

/** Whose facts a connection's are: its agent's, or its own (`wire.md` section 11). */
export function scopeOf({ id, agentId }: Client): MemoryScope {
  return agentId === undefined ? { kind: 'connection', id } : { kind: 'agent', id: agentId };
}

/** The owner is gone for good: so are its facts. Whatever the memory makes of that, nobody else notices. */
export function forgetScope(state: BrokerState, scope: MemoryScope): void {
  attempt(state, 'a memory', () => {
    const done = state.memory.forget?.(scope);
    done?.catch((err: unknown) => state.log.error({ err, scope: scope.kind }, 'a memory could not be forgotten'));
  });
}

/** A memory may be an embedder's own, and its answers are checked like anybody's. @throws {TypeError} */
export function checkedCount(count: unknown): number {
  if (Number.isSafeInteger(count) && (count as number) >= 0) return count as number;
  throw new TypeError('a memory counts in whole numbers');
}

/** See {@link checkedCount}: no more rows than were asked for, and of nothing but their own fields. */
export function checkedRows(rows: unknown, k: number): FactRow[] {
  if (!Array.isArray(rows)) throw new TypeError('a memory answers a query with an array');
  return rows.slice(0, k).map((row) => factRow.parse(row));
}
