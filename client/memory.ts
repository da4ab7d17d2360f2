import type { FactRow } from '../protocol/memory.ts';
import type { InputOf } from '../protocol/methods.ts';
import { checkOptions } from '../protocol/options.ts';
import type { Names } from './known-options.ts';
import type { RequestFunction } from './request.ts';

/** The facts of one connection, or of one agent: an agent's outlive it and the broker (`wire.md` section 11). */
export interface MemoryAccess {
  /**
   * Keeps a fact, and gives how many there then are. Resolves once it is on disk, where there is one.
   * @throws {RpcError} `-32020` too large, or too many.
   */
  add(fact: InputOf<'memory.add_fact'>): Promise<number>;
  /** The facts that fit a text best, the best first. @param k how many at most, 1 to 100, default 10. */
  query(text: string, k?: number): Promise<FactRow[]>;
  /** Forgets a fact; false where there is none of that id. */
  delete(id: string): Promise<boolean>;
  /** How many there are. */
  count(): Promise<number>;
}

const FACT: Names<InputOf<'memory.add_fact'>> = { subject: true, body: true, kind: true };

/** {@link MemoryAccess} over a connection's requests. */
export function memoryOver(request: RequestFunction): MemoryAccess {
  return {
    add: async (fact) => {
      checkOptions('memory.add', fact, FACT);
      return request('memory.add_fact', fact);
    },
    query: async (query, k) => (await request('memory.query', { query, k })).facts,
    delete: async (id) => (await request('memory.delete', { id })).removed,
    count: () => request('memory.fact_count', {}),
  };
}
