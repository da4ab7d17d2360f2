import type { Limits } from '../../protocol/limits.ts';

type HeldLimits = Pick<Limits, 'maxHeldBytes' | 'maxAllHeldBytes'>;

/** What a front holds of turns that go on, in characters, whoever has them: what waits to be read, and what is kept of an answer. */
export class Held {
  readonly #limits: HeldLimits;
  readonly #owners = new Map<string, number>();
  #all = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  /** The account of one more turn of somebody's; it is empty. */
  open(owner: string): Account {
    let own = 0;
    let isClosed = false;
    const book = (size: number) => {
      const others = (this.#owners.get(owner) ?? 0) - own;
      this.#all += size - own;
      own = size;
      if (others + size > 0) this.#owners.set(owner, others + size);
      else this.#owners.delete(owner);
    };
    return {
      take: (size) => {
        const more = size - own;
        const { maxHeldBytes, maxAllHeldBytes } = this.#limits;
        const isTooMuch = (this.#owners.get(owner) ?? 0) + more > maxHeldBytes || this.#all + more > maxAllHeldBytes;
        if (isClosed || (more > 0 && isTooMuch)) return false;
        book(size);
        return true;
      },
      close: () => {
        isClosed = true;
        book(0);
      },
    };
  }
}

/** What is held of one turn. */
export interface Account {
  /** It is to hold so much. False: there is no room, of its owner's or of all, and it holds what it did. */
  take(size: number): boolean;
  /** It holds nothing any more, and nothing again. */
  close(): void;
}

/** The account of what is held where nobody else's could suffer. */
export const UNBOUNDED: Account = { take: () => true, close: () => {} };
