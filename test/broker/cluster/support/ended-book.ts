import type { EndedTurnStore } from '../../../../cluster/ended-turn-store.ts';

/** What several brokers of one process keep of ended turns: in memory, and as unwilling as a test wants it. */
export class EndedBook {
  readonly kept = new Map<string, Uint8Array>();
  /** How often each of them was asked for, or for its beginning. */
  readonly asked = new Map<string, number>();
  isConnected = true;
  /** What whoever writes or asks waits for, or fails with. */
  before: () => Promise<void> = async () => {};

  store(): EndedTurnStore {
    const book = this;
    const find = async (name: string) => {
      this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
      await this.before();
      return this.kept.get(name);
    };
    return {
      get isConnected() {
        return book.isConnected;
      },
      open: async () => {},
      keep: async (name, bytes) => {
        await this.before();
        this.kept.set(name, Buffer.from(bytes));
      },
      find,
      begin: async (name) => (await find(name))?.subarray(0, 64 * 1024),
      close: async () => {},
    };
  }
}
