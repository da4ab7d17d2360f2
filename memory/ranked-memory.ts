import { v7 as uuid } from 'uuid';
import { WireError } from '../protocol/errors.ts';
import type { FactRow } from '../protocol/memory.ts';
import type { Memory, MemoryScope, NewFact } from '../protocol/memory-provider.ts';
import { type Fact, type FactStore, volatileFactStore } from './fact-store.ts';
import { ScopeIndex } from './scope-index.ts';

/** What one scope may have. */
export interface MemoryLimits {
  /** Facts (`-32020`). */
  readonly maxFacts: number;
  /** Bytes of UTF-8 of one fact's subject and body (`-32020`). */
  readonly maxFactBytes: number;
  /** Bytes of all its facts together (`-32020`). */
  readonly maxMemoryBytes: number;
}

/** Facts of kept scopes that are indexed at once; beyond it the index that was least used is made anew when needed. */
const MAX_INDEXED = 200_000;
/** Facts that are read and indexed in one go: a few milliseconds, in which nobody else is served. */
const SLICE = 200;

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The default memory: ranks with an index in this process, made when a scope is first used. Agents' facts are in `store`,
 * every other connection's in memory alone.
 */
export class RankedMemory implements Memory {
  readonly #limits: MemoryLimits;
  readonly #kept: FactStore;
  readonly #volatile = volatileFactStore();
  /** Indexes by scope, those that were used last at the end. */
  readonly #indexes = new Map<string, Promise<ScopeIndex>>();
  /** How large those are that are done. */
  readonly #sizes = new Map<string, ScopeIndex>();
  /** What is being written, by scope. */
  readonly #writes = new Map<string, Set<Promise<void>>>();

  constructor(limits: MemoryLimits, kept: FactStore = volatileFactStore()) {
    this.#limits = limits;
    this.#kept = kept;
  }

  async addFact(scope: MemoryScope, fact: NewFact): Promise<number> {
    const { maxFacts, maxFactBytes, maxMemoryBytes } = this.#limits;
    const bytes = bytesOf(fact);
    if (bytes > maxFactBytes) throw WireError.limitExceeded('max_fact_bytes', maxFactBytes);
    const index = await this.#open(scope);
    if (index.size >= maxFacts) throw WireError.limitExceeded('max_facts', maxFacts);
    if (index.bytes + bytes > maxMemoryBytes) throw WireError.limitExceeded('max_memory_bytes', maxMemoryBytes);
    const kept: Fact = { ...fact, id: uuid(), created_at: Date.now() };
    // Before it is written, so that facts that are added at the same time cannot exceed the limits together.
    index.add(kept, bytes);
    try {
      await this.#write(scope, (store) => store.put(scope.id, kept));
    } catch (error) {
      index.delete(kept);
      throw error;
    }
    const size = index.size;
    // Made anew meanwhile, and perhaps from what was there before this fact.
    const current = await this.#indexes.get(keyOf(scope));
    if (current && !current.has(kept.id)) current.add(kept, bytes);
    return size;
  }

  async query(scope: MemoryScope, query: string, k: number): Promise<FactRow[]> {
    const index = await this.#open(scope);
    const read = (id: string) => this.#storeOf(scope).get(scope.id, id);
    return index.search(query, k, read).flatMap(({ id, score }) => {
      const fact = read(id);
      return fact ? [{ ...fact, score }] : [];
    });
  }

  async delete(scope: MemoryScope, id: string): Promise<boolean> {
    const index = await this.#open(scope);
    const fact = index.has(id) ? this.#storeOf(scope).get(scope.id, id) : undefined;
    if (!fact) return false;
    await this.#write(scope, (store) => store.delete(scope.id, id));
    const wasThere = index.has(id);
    index.delete(fact);
    return wasThere;
  }

  factCount(scope: MemoryScope): number {
    return this.#storeOf(scope).count(scope.id);
  }

  async forget(scope: MemoryScope): Promise<void> {
    const key = keyOf(scope);
    const index = this.#indexes.get(key);
    this.#drop(key);
    // What is still being kept for it must not come after its end.
    await index?.catch(() => {});
    await Promise.allSettled(this.#writes.get(key) ?? []);
    await this.#storeOf(scope).drop(scope.id);
  }

  /** Ends the store, once what is being written is written. */
  close(): Promise<void> {
    return this.#kept.close();
  }

  async #write(scope: MemoryScope, run: (store: FactStore) => Promise<void>): Promise<void> {
    const key = keyOf(scope);
    const writes = this.#writes.get(key) ?? new Set();
    this.#writes.set(key, writes);
    const write = run(this.#storeOf(scope));
    writes.add(write);
    try {
      await write;
    } finally {
      writes.delete(write);
      if (writes.size === 0) this.#writes.delete(key);
    }
  }

  #storeOf(scope: MemoryScope): FactStore {
    return scope.kind === 'agent' ? this.#kept : this.#volatile;
  }

  async #open(scope: MemoryScope): Promise<ScopeIndex> {
    const key = keyOf(scope);
    const known = this.#indexes.get(key);
    const index = known ?? this.#load(scope);
    this.#indexes.delete(key);
    this.#indexes.set(key, index);
    if (known) return known;
    try {
      const loaded = await index;
      if (this.#indexes.get(key) === index) this.#sizes.set(key, loaded);
      this.#makeRoom(key);
      return loaded;
    } catch (error) {
      if (this.#indexes.get(key) === index) this.#drop(key);
      throw error;
    }
  }

  /** Reads a whole scope, in slices, between which everybody else is served. */
  async #load(scope: MemoryScope): Promise<ScopeIndex> {
    const index = new ScopeIndex();
    const store = this.#storeOf(scope);
    const { take, done } = index.fill();
    let after: string | undefined;
    for (;;) {
      const facts = store.page(scope.id, after, SLICE);
      for (const fact of facts) take(fact, bytesOf(fact));
      if (facts.length < SLICE) {
        done();
        return index;
      }
      after = facts.at(-1)?.id;
      await pause();
    }
  }

  /** A volatile scope's index is small, or is all that its owner may have; it goes with its owner. */
  #makeRoom(newest: string): void {
    let total = 0;
    for (const { size } of this.#sizes.values()) total += size;
    for (const key of [...this.#indexes.keys()]) {
      if (total <= MAX_INDEXED) return;
      const index = this.#sizes.get(key);
      if (!index || key === newest || !key.startsWith('agent:')) continue;
      total -= index.size;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#indexes.delete(key);
    this.#sizes.delete(key);
  }
}

function keyOf({ kind, id }: MemoryScope): string {
  return `${kind}:${id}`;
}

function bytesOf({ subject, body, speaker = '' }: NewFact): number {
  return Buffer.byteLength(subject) + Buffer.byteLength(body) + Buffer.byteLength(speaker);
}
