import type { FactRow } from '../protocol/memory.ts';

/** A fact as it is kept. Ids sort by when it was made. */
export type Fact = Omit<FactRow, 'score'>;

/** Where the facts of scopes are kept. Reading is quick; a write resolves once it is there for good. */
export interface FactStore {
  get(scope: string, id: string): Fact | undefined;
  count(scope: string): number;
  /** At most `limit` facts of a scope, by id, from the first one behind `after`. */
  page(scope: string, after: string | undefined, limit: number): Fact[];
  put(scope: string, fact: Fact): Promise<void>;
  delete(scope: string, id: string): Promise<void>;
  /** Forgets the whole scope. */
  drop(scope: string): Promise<void>;
  /** Ends it, once what is being written is written. */
  close(): Promise<void>;
}

/** Keeps facts for the life of the process. */
export function volatileFactStore(): FactStore {
  const scopes = new Map<string, Map<string, Fact>>();
  return {
    get: (scope, id) => scopes.get(scope)?.get(id),
    count: (scope) => scopes.get(scope)?.size ?? 0,
    page(scope, after, limit) {
      const ids = [...(scopes.get(scope)?.keys() ?? [])];
      const from = after === undefined ? 0 : ids.indexOf(after) + 1;
      return ids.slice(from, from + limit).flatMap((id) => scopes.get(scope)?.get(id) ?? []);
    },
    async put(scope, fact) {
      const facts = scopes.get(scope) ?? new Map<string, Fact>();
      scopes.set(scope, facts.set(fact.id, fact));
    },
    async delete(scope, id) {
      scopes.get(scope)?.delete(id);
    },
    async drop(scope) {
      scopes.delete(scope);
    },
    async close() {},
  };
}
