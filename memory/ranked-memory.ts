import { setImmediate as nextRound } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { WireError } from '../protocol/errors.ts';
import type { KeptFactRow } from '../protocol/memory.ts';
import type { Memory, MemoryScope, NewFact } from '../protocol/memory-provider.ts';
import { bytesOf, type Fact, type FactStore, volatileFactStore } from './fact-store.ts';
import { Indexes, type IndexLimits } from './indexes.ts';
import type { ScopeIndex } from './scope-index.ts';

/** What one scope may have, and all of them. */
export interface MemoryLimits extends IndexLimits {
  /** Facts of one scope (`-32020`). */
  readonly maxFacts: number;
  /** Bytes of UTF-8 of one fact's subject and body (`-32020`). */
  readonly maxFactBytes: number;
  /** Bytes of all facts of one scope (`-32020`). */
  readonly maxMemoryBytes: number;
  /** Bytes that all agents' facts take where they are kept (`-32020`). */
  readonly maxAllMemoryBytes: number;
}

/** Facts that are read and indexed in one go, and bytes of their text: some ten milliseconds, in which nobody else is served. */
const SLICE = { facts: 200, bytes: 64 * 1024 };

/**
 * The default memory: ranks with an index in this process, made when a scope is first used. Agents' facts are in `store`,
 * every other connection's in memory alone.
 */
export class RankedMemory implements Memory {
  readonly #limits: MemoryLimits;
  readonly #kept: FactStore;
  readonly #held = volatileFactStore();
  readonly #indexes: Indexes;
  /** What is being done, by scope. */
  readonly #running = new Map<string, Set<Promise<unknown>>>();
  /** All of it, of owners that were forgotten meanwhile, too. */
  readonly #works = new Set<Promise<unknown>>();
  /** Facts that are being deleted. */
  readonly #deleting = new Set<string>();
  /** Bytes of agents' facts that are being written. */
  #writing = 0;
  #isClosing = false;

  constructor(limits: MemoryLimits, kept: FactStore = volatileFactStore()) {
    this.#limits = limits;
    this.#kept = kept;
    this.#indexes = new Indexes(limits);
  }

  /** What indexes, and the facts of connections, take of the heap, by estimate. Bytes. */
  get heapBytes(): number {
    return this.#indexes.bytes;
  }

  addFact(scope: MemoryScope, fact: NewFact): Promise<number> {
    return this.#run(scope, async (isForgotten) => {
      const kept: Fact = { ...wellFormed(fact), id: uuid(), created_at: Date.now() };
      const bytes = this.#checked(kept);
      const index = await this.#open(scope);
      if (isForgotten()) throw WireError.notFound('owner of facts');
      // Before it is written, so that facts that are added at the same time cannot exceed the limits together.
      this.#enter(scope, index, kept, bytes);
      if (scope.kind === 'agent') this.#writing += bytes;
      try {
        await this.#storeOf(scope).put(scope.id, kept);
      } catch (error) {
        index.delete(kept);
        throw error;
      } finally {
        if (scope.kind === 'agent') this.#writing -= bytes;
      }
      const size = index.size;
      if (isForgotten()) return size;
      // Made anew meanwhile, and perhaps from what was there before this fact.
      const current = await this.#current(scope);
      if (current && !current.has(kept.id)) current.add(kept);
      return size;
    });
  }

  query(scope: MemoryScope, query: string, k: number): Promise<KeptFactRow[]> {
    return this.#run(scope, async () => {
      const index = await this.#open(scope);
      const read = (id: string) => this.#storeOf(scope).get(scope.id, id);
      return index.search(query, k, read).flatMap(({ id, score }) => {
        const fact = read(id);
        return fact ? [{ ...fact, score }] : [];
      });
    });
  }

  /** Needs no index: what is too much to be indexed can be deleted. */
  delete(scope: MemoryScope, id: string): Promise<boolean> {
    return this.#run(scope, async (isForgotten) => {
      const key = `${keyOf(scope)}\n${id}`;
      const store = this.#storeOf(scope);
      const fact = this.#deleting.has(key) ? undefined : store.get(scope.id, id);
      if (!fact) return false;
      this.#deleting.add(key);
      try {
        await store.delete(scope.id, id);
      } finally {
        this.#deleting.delete(key);
      }
      // Perhaps one that was made meanwhile, from what was there before.
      if (!isForgotten()) (await this.#current(scope))?.delete(fact);
      return true;
    });
  }

  factCount(scope: MemoryScope): Promise<number> {
    return this.#run(scope, async () => {
      if (scope.kind === 'connection') return this.#held.count(scope.id);
      try {
        // Counting in the store costs as much again each time, and nobody else is served meanwhile.
        return (await this.#open(scope)).size;
      } catch (error) {
        if (error instanceof WireError) return this.#kept.count(scope.id);
        throw error;
      }
    });
  }

  /**
   * From the call on the scope is empty, and what is still being done for its owner before adds nothing to it.
   * @throws where a store cannot note that for good; nothing is forgotten then.
   */
  forget(scope: MemoryScope): Promise<void> {
    const key = keyOf(scope);
    const works = this.#running.get(key);
    const dropped = this.#storeOf(scope).drop(scope.id, works && Promise.allSettled(works));
    this.#running.delete(key);
    this.#indexes.drop(scope.kind, scope.id);
    return dropped;
  }

  /** Ends the store, once what was asked before is done; what would take long is given up (`-32021`), as is what comes later. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled(this.#works);
    await this.#kept.close();
  }

  /** Whatever is asked of a scope goes through here: it is known until it is done, and told when its owner is forgotten. */
  #run<T>(scope: MemoryScope, work: (isForgotten: () => boolean) => Promise<T>): Promise<T> {
    if (this.#isClosing) return Promise.reject(WireError.draining());
    const key = keyOf(scope);
    const works = this.#running.get(key) ?? new Set();
    this.#running.set(key, works);
    const isCurrent = () => this.#running.get(key) === works;
    const running = work(() => !isCurrent());
    works.add(running);
    this.#works.add(running);
    return running.finally(() => {
      works.delete(running);
      this.#works.delete(running);
      if (works.size === 0 && isCurrent()) this.#running.delete(key);
    });
  }

  /** Its size, where it may be kept. @throws {WireError} `-32020` */
  #checked(fact: Fact): number {
    const { maxFactBytes } = this.#limits;
    const bytes = bytesOf(fact);
    if (bytes > maxFactBytes) throw WireError.limitExceeded('max_fact_bytes', maxFactBytes);
    return bytes;
  }

  /** @throws {WireError} `-32020` */
  #enter(scope: MemoryScope, index: ScopeIndex, fact: Fact, bytes: number): void {
    const { maxFacts, maxMemoryBytes, maxAllMemoryBytes } = this.#limits;
    if (index.size >= maxFacts) throw WireError.limitExceeded('max_facts', maxFacts);
    if (index.bytes + bytes > maxMemoryBytes) throw WireError.limitExceeded('max_memory_bytes', maxMemoryBytes);
    if (scope.kind === 'agent' && this.#kept.bytes() + this.#writing + bytes > maxAllMemoryBytes)
      throw WireError.limitExceeded('max_all_memory_bytes', maxAllMemoryBytes);
    this.#indexes.makeRoom(index, index.priceOf(fact));
    index.add(fact);
  }

  #storeOf(scope: MemoryScope): FactStore {
    return scope.kind === 'agent' ? this.#kept : this.#held;
  }

  async #open(scope: MemoryScope): Promise<ScopeIndex> {
    if (scope.kind === 'connection') return this.#indexes.held(scope.id);
    return await this.#indexes.kept(scope.id, (index) => this.#load(scope.id, index));
  }

  async #current(scope: MemoryScope): Promise<ScopeIndex | undefined> {
    return scope.kind === 'connection' ? this.#indexes.held(scope.id) : await this.#indexes.ifKept(scope.id);
  }

  /** Reads a whole scope, in slices, between which everybody else is served. */
  async #load(id: string, index: ScopeIndex): Promise<void> {
    const read = this.#kept.reader(id);
    for (;;) {
      if (this.#isClosing) throw WireError.draining();
      const facts = read(SLICE.facts, SLICE.bytes);
      if (facts.length === 0) return;
      for (const fact of facts) index.add(fact);
      this.#indexes.makeRoom(index);
      await nextRound();
    }
  }
}

/** What is answered is what is kept: half a surrogate pair is no text anywhere else. */
function wellFormed(fact: NewFact): NewFact {
  const { subject, body, kind, speaker } = fact;
  const mended = { subject: whole(subject), body: whole(body), kind: whole(kind) };
  return { ...fact, ...mended, ...(speaker === undefined ? {} : { speaker: whole(speaker) }) };
}

function whole(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

function keyOf({ kind, id }: MemoryScope): string {
  return `${kind}:${id}`;
}
