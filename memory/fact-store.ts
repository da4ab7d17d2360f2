import type { KeptFactRow } from '../protocol/memory.ts';

/** A fact as it is kept. Ids sort by when it was made. */
export type Fact = Omit<KeptFactRow, 'score'>;

/** Where the facts of scopes are kept. Reading is quick; a write resolves once it is there for good. */
export interface FactStore {
  get(scope: string, id: string): Fact | undefined;
  /** Its cost may grow with their number. */
  count(scope: string): number;
  /** Reads a scope by and by, by id. What comes and goes meanwhile is read or not. */
  reader(scope: string): FactReader;
  put(scope: string, fact: Fact): Promise<void>;
  delete(scope: string, id: string): Promise<void>;
  /**
   * Forgets the whole scope. From the call on it is empty, for good: a crash does not bring anything back. Resolves when
   * the room is free. `before`: writes that were asked for earlier, and are forgotten with the rest.
   * @throws where that cannot be noted for good; nothing is forgotten then.
   */
  drop(scope: string, before?: Promise<unknown>): Promise<void>;
  /** How much all facts of all scopes take where they are, in bytes. What is being written need not count yet. */
  bytes(): number;
  /** Ends it, once what is being written is written. */
  close(): Promise<void>;
}

/** Gives the next facts, up to a number of them, and no more than the first beyond so many bytes; none: that was all. */
export type FactReader = (limit: number, maxBytes: number) => Fact[];

/** Bytes of UTF-8 of what is found of a fact. */
export function bytesOf({ subject, body, speaker = '' }: Pick<Fact, 'subject' | 'body' | 'speaker'>): number {
  return Buffer.byteLength(subject) + Buffer.byteLength(body) + Buffer.byteLength(speaker);
}

/** The first ones of `facts`, as a {@link FactReader} gives them. */
export function takeSome(facts: Iterable<Fact>, limit: number, maxBytes: number): Fact[] {
  const taken: Fact[] = [];
  let bytes = 0;
  if (limit <= 0) return taken;
  for (const fact of facts) {
    taken.push(fact);
    bytes += bytesOf(fact);
    if (taken.length >= limit || bytes >= maxBytes) break;
  }
  return taken;
}

/** What a fact takes besides its text: its id, its names, its place. */
const FACT_BYTES = 200;

/** Keeps facts for the life of the process. */
export function volatileFactStore(): FactStore {
  const scopes = new Map<string, Map<string, Fact>>();
  let total = 0;
  const costOf = (fact: Fact) => bytesOf(fact) + FACT_BYTES;
  return {
    get: (scope, id) => scopes.get(scope)?.get(id),
    count: (scope) => scopes.get(scope)?.size ?? 0,
    reader(scope) {
      // A Map may change while it is read.
      const facts = (scopes.get(scope) ?? new Map<string, Fact>()).values();
      // One that is left early must not end: `for … of` would close it, had it a `return`.
      const rest = { [Symbol.iterator]: () => ({ next: () => facts.next() }) };
      return (limit, maxBytes) => takeSome(rest, limit, maxBytes);
    },
    async put(scope, fact) {
      const facts = scopes.get(scope) ?? new Map<string, Fact>();
      scopes.set(scope, facts.set(fact.id, fact));
      total += costOf(fact);
    },
    async delete(scope, id) {
      const facts = scopes.get(scope);
      const fact = facts?.get(id);
      if (!facts || !fact) return;
      facts.delete(id);
      total -= costOf(fact);
      if (facts.size === 0) scopes.delete(scope);
    },
    async drop(scope) {
      for (const fact of scopes.get(scope)?.values() ?? []) total -= costOf(fact);
      scopes.delete(scope);
    },
    bytes: () => total,
    async close() {},
  };
}
