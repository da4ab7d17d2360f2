import type { FactRow, KeptFactRow } from './memory.ts';
import type { Principal } from './principal.ts';

/** Whose facts: an agent's own, which outlive its connection and the broker, or those of one other connection. */
export interface MemoryScope {
  readonly kind: 'agent' | 'connection';
  /** The agent's id, in a tenant other than `default` with that and `/` before it; or the connection's, which is never used again. */
  readonly id: string;
  /** Whose that is: of an agent its own. The broker always says so. What tells scopes apart is the rest. */
  readonly principal?: Principal;
}

/** A fact before it is kept. */
export type NewFact = Omit<FactRow, 'id' | 'created_at' | 'score'>;

/**
 * Where facts are kept and found (`wire.md` section 11). An embedder may bring its own, and decides for itself what a
 * scope shares with which other. Every method may take its time; what it throws is answered with `-32603`, or, where it
 * is a `WireError`, as it is. Strange results are its own: what is no whole fact fails the query.
 */
export interface Memory {
  /** Keeps a fact, and resolves once it is kept for good. Gives how many the scope then has. */
  addFact(scope: MemoryScope, fact: NewFact): Promise<number> | number;
  /** The facts that fit a text best, the best first, `k` at most. */
  query(scope: MemoryScope, query: string, k: number): Promise<KeptFactRow[]> | KeptFactRow[];
  /** Forgets a fact; false where this scope has none of that id. */
  delete(scope: MemoryScope, id: string): Promise<boolean> | boolean;
  factCount(scope: MemoryScope): Promise<number> | number;
  /**
   * The scope's owner is gone for good, and another may come with the same id: from the call on it must find nothing. What
   * is thrown at once refuses `agents.remove`; a rejection is logged. A memory that shares its scopes leaves this out.
   */
  forget?(scope: MemoryScope): Promise<void> | void;
}
