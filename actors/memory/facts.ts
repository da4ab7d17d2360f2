import type { Memory } from '../../protocol/memory-provider.ts';
import { key } from '../kernel/key.ts';

/** The facts of a broker. */
export const MEMORY = key<Facts>('memory');

/** Where facts are kept, and what it is asked to do. */
export class Facts {
  /** The default one, or an embedder's. */
  readonly store: Memory;
  /** What it was asked to do, by operation. */
  readonly operations = new Map<string, number>();
  /** What was asked of it and has no answer yet. */
  readonly answering = new Set<Promise<void>>();
  /** Texts that it was told of by others than its clients, and did not take. */
  failures = 0;

  constructor(store: Memory) {
    this.store = store;
  }

  count(operation: 'add_fact' | 'query' | 'delete' | 'fact_count'): void {
    this.operations.set(operation, (this.operations.get(operation) ?? 0) + 1);
  }
}
