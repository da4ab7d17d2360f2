import { WireError } from '../protocol/errors.ts';
import { ScopeIndex, type Tally } from './scope-index.ts';

/** What indexes may take of the heap, in bytes, by estimate. */
export interface IndexLimits {
  /** That of one agent's facts (`-32020`). */
  readonly maxIndexBytes: number;
  /** That of one other connection's, their texts included (`-32020`). */
  readonly maxConnectionMemoryBytes: number;
  /** Those of all such connections (`-32020`). */
  readonly maxAllConnectionMemoryBytes: number;
  /** All of them together; beyond it agents' that were least used go, then `-32020`. */
  readonly maxAllIndexBytes: number;
}

interface Kept {
  readonly index: ScopeIndex;
  /** Rejects where the index is larger than it may be. */
  readonly ready: Promise<ScopeIndex>;
  isReady: boolean;
}

/**
 * The indexes that are in memory. An agent's is made from its store when it is needed, and dropped when others need the
 * room; a connection's is there as long as its facts. They are made one after another: then what is being made is never
 * more than one agent may have, and fits beside what connections have.
 */
export class Indexes {
  readonly #limits: IndexLimits;
  /** Those of agents, the one that was used last at the end. */
  readonly #kept = new Map<string, Kept>();
  readonly #held = new Map<string, ScopeIndex>();
  readonly #keptTally: Tally = { bytes: 0 };
  readonly #heldTally: Tally = { bytes: 0 };
  #making: Promise<unknown> = Promise.resolve();

  constructor(limits: IndexLimits) {
    this.#limits = limits;
  }

  /** What they take together, by estimate. Bytes. */
  get bytes(): number {
    return this.#keptTally.bytes + this.#heldTally.bytes;
  }

  /** The index of a connection's facts, empty at first. */
  held(id: string): ScopeIndex {
    const known = this.#held.get(id);
    if (known) return known;
    const index = new ScopeIndex(this.#heldTally, true);
    this.#held.set(id, index);
    return index;
  }

  /** The index of an agent's facts; `fill` reads them, where that is still to be done. Rejects with what `fill` throws. */
  kept(id: string, fill: (index: ScopeIndex) => Promise<void>): Promise<ScopeIndex> {
    const known = this.#kept.get(id);
    if (known) {
      this.#kept.delete(id);
      this.#kept.set(id, known);
      return known.ready;
    }
    const index = new ScopeIndex(this.#keptTally);
    const ready = this.#making.then(() => fill(index)).then(() => index);
    const entry: Kept = { index, ready, isReady: false };
    this.#kept.set(id, entry);
    this.#making = ready.then(
      () => {
        entry.isReady = true;
      },
      () => this.#drop(id, entry),
    );
    return ready;
  }

  /** The index of an agent's facts where there is one, made or being made. */
  async ifKept(id: string): Promise<ScopeIndex | undefined> {
    return this.#kept.get(id)?.ready.catch(() => undefined);
  }

  /** Whether this index may cost so much more than it does; others make room for it. @throws {WireError} `-32020` */
  makeRoom(index: ScopeIndex, more = 0): void {
    const { maxIndexBytes, maxConnectionMemoryBytes, maxAllConnectionMemoryBytes, maxAllIndexBytes } = this.#limits;
    if (index.isHeld) {
      if (index.cost + more > maxConnectionMemoryBytes)
        throw WireError.limitExceeded('max_connection_memory_bytes', maxConnectionMemoryBytes);
      if (this.#heldTally.bytes + more > maxAllConnectionMemoryBytes)
        throw WireError.limitExceeded('max_all_connection_memory_bytes', maxAllConnectionMemoryBytes);
    } else if (index.cost + more > maxIndexBytes) throw WireError.limitExceeded('max_index_bytes', maxIndexBytes);
    for (const [id, entry] of this.#kept) {
      if (this.bytes + more <= maxAllIndexBytes) return;
      if (entry.isReady && entry.index !== index) this.#drop(id, entry);
    }
    if (this.bytes + more > maxAllIndexBytes) throw WireError.limitExceeded('max_all_index_bytes', maxAllIndexBytes);
  }

  /** The owner of a scope is gone, or its facts are. */
  drop(kind: 'agent' | 'connection', id: string): void {
    if (kind === 'agent') {
      const entry = this.#kept.get(id);
      if (entry) this.#drop(id, entry);
      return;
    }
    this.#held.get(id)?.release();
    this.#held.delete(id);
  }

  #drop(id: string, entry: Kept): void {
    entry.index.release();
    if (this.#kept.get(id) === entry) this.#kept.delete(id);
  }
}
