import type { Kernel } from '../kernel/kernel.ts';
import { EndedFinds } from './ended-finds.ts';
import type { EndedStore } from './ended-store.ts';
import { EndedWrites } from './ended-writes.ts';

/** What brokers of a cluster know together of turns that have ended (`docs/cluster.md`). */
export class EndedShelf {
  readonly writes: EndedWrites;
  readonly finds: EndedFinds;
  readonly #store: EndedStore;

  constructor(kernel: Kernel, store: EndedStore) {
    this.#store = store;
    this.writes = new EndedWrites(kernel, store);
    this.finds = new EndedFinds(kernel, store);
  }

  /** @throws what keeps it from that */
  open(): Promise<void> {
    return this.#store.open();
  }

  async close(): Promise<void> {
    await this.writes.close();
    await this.#store.close();
  }
}
