import type { LoggedTurn } from './logged-turn.ts';

/**
 * Live turns without a host, and how many each opener has left behind. All share one bound; where it is reached, whoever
 * has by far the most makes room, so that one client's turns cost no other its own.
 */
export class DetachedTurns {
  readonly #max: number;
  /** By opener, oldest first. */
  readonly #byOpener = new Map<string, Set<LoggedTurn>>();
  /** Openers by how many they have: finding the largest must not cost their number. */
  readonly #byCount = new Map<number, Set<string>>();
  #largest = 0;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether one more of this opener may wait: there is room, or somebody who has more has to make some. */
  mayAdd(openerId: string): boolean {
    if (this.#size < this.#max) return true;
    return this.#largest > (this.#byOpener.get(openerId)?.size ?? 0) + 1;
  }

  /** Adds a turn. @returns one that has to make room for it */
  add(turn: LoggedTurn, openerId: string): LoggedTurn | undefined {
    const turns = this.#byOpener.get(openerId) ?? new Set();
    this.#byOpener.set(openerId, turns.add(turn));
    this.#moved(openerId, turns.size - 1, turns.size);
    return this.#size > this.#max ? this.#oldestOfLargest() : undefined;
  }

  /** One that is not among them is no error. */
  delete(turn: LoggedTurn, openerId: string): void {
    const turns = this.#byOpener.get(openerId);
    if (!turns?.delete(turn)) return;
    if (turns.size === 0) this.#byOpener.delete(openerId);
    this.#moved(openerId, turns.size + 1, turns.size);
  }

  #oldestOfLargest(): LoggedTurn | undefined {
    for (const openerId of this.#byCount.get(this.#largest) ?? []) {
      for (const turn of this.#byOpener.get(openerId) ?? []) return turn;
    }
    return undefined;
  }

  #moved(openerId: string, from: number, to: number): void {
    const before = this.#byCount.get(from);
    before?.delete(openerId);
    if (before?.size === 0) this.#byCount.delete(from);
    if (to > 0) this.#byCount.set(to, (this.#byCount.get(to) ?? new Set()).add(openerId));
    this.#size += to - from;
    // One step at a time, so the largest moves by one at most.
    if (to > this.#largest) this.#largest = to;
    else if (from === this.#largest && !this.#byCount.has(from)) this.#largest = to;
  }
}
