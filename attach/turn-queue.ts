import type { AgentEvent } from '../client/node.ts';

/** What a turn sends, in order: a piece of the answer, an event, or something to be done when its turn has come. */
export type Item = string | AgentEvent | (() => void);

/** More than this waits for nobody: whoever fills it is to pause. Items, and bytes. */
const [MOST_ITEMS, MOST_BYTES] = [1_000, 1024 * 1024];

/** What waits to be sent of one turn: filled by what an agent says, emptied as fast as the broker takes it. */
export class TurnQueue {
  #items: { item: Item; bytes: number }[] = [];
  #bytes = 0;
  #isOver = false;
  #isFull = false;
  #wake: () => void = () => {};
  readonly #onFull: () => void;
  readonly #onDrained: () => void;

  /** @param onFull hears that whoever fills it is to pause, @param onDrained that it may go on. */
  constructor(onFull: () => void, onDrained: () => void) {
    this.#onFull = onFull;
    this.#onDrained = onDrained;
  }

  /** @param bytes about how large it is. */
  push(item: Item, bytes = 0): void {
    if (this.#isOver) return;
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    if (!this.#isFull && (this.#items.length > MOST_ITEMS || this.#bytes > MOST_BYTES)) {
      this.#isFull = true;
      this.#onFull();
    }
    this.#wake();
  }

  /** Nothing more comes; what is there is still sent. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** What waits is not wanted any more, nor is what comes. */
  drop(): void {
    this.#items = [];
    this.#bytes = 0;
    this.#taken();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string | AgentEvent> {
    for (;;) {
      if (this.#items.length === 0) {
        if (this.#isOver) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const batch = this.#items;
      this.#items = [];
      for (const { item, bytes } of batch) {
        this.#bytes -= bytes;
        if (typeof item === 'function') item();
        else yield item;
      }
      this.#bytes = Math.max(0, this.#bytes);
      this.#taken();
    }
  }

  #taken(): void {
    if (!this.#isFull || this.#items.length > MOST_ITEMS / 2 || this.#bytes > MOST_BYTES / 2) return;
    this.#isFull = false;
    this.#onDrained();
  }
}
