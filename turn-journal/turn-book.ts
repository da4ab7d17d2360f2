import type { Segment } from './segment.ts';

/** A turn that is not forgotten, and what of it is written again with each snapshot. */
export interface BookedTurn {
  readonly number: number;
  /** JSON. */
  readonly facts: string;
  /** JSON by name. */
  readonly notes: Map<string, string>;
  /** JSON, once it has ended. */
  ended: string | undefined;
  /** What was said of it is lost: until its next snapshot begins, nothing more of it can be written. */
  isBehind: boolean;
  /** All that is needed of it stands in this segment and in later ones; undefined: nothing of it stands anywhere. */
  since: Segment | undefined;
}

/** The turns that are kept, and which segments they need. */
export class TurnBook {
  readonly #turns = new Map<number, BookedTurn>();
  readonly #bySegment = new Map<Segment, Set<BookedTurn>>();
  /** How many are behind. */
  behind = 0;

  get size(): number {
    return this.#turns.size;
  }

  get(number: number): BookedTurn | undefined {
    return this.#turns.get(number);
  }

  add(turn: BookedTurn): void {
    this.#turns.set(turn.number, turn);
    if (turn.isBehind) this.behind += 1;
    if (turn.since) this.#of(turn.since).add(turn);
  }

  delete(turn: BookedTurn): void {
    this.#turns.delete(turn.number);
    if (turn.isBehind) this.behind -= 1;
    turn.isBehind = false;
    this.#leave(turn);
  }

  /** It stands from here on. */
  move(turn: BookedTurn, since: Segment): void {
    if (turn.since === since || !this.#turns.has(turn.number)) return;
    this.#leave(turn);
    turn.since = since;
    this.#of(since).add(turn);
  }

  /** Nothing can be written: what is said from now on of any of them is lost. */
  allBehind(): void {
    for (const turn of this.#turns.values()) turn.isBehind = true;
    this.behind = this.#turns.size;
  }

  /** What is said of it can be written again. */
  caughtUp(turn: BookedTurn): void {
    if (!turn.isBehind) return;
    turn.isBehind = false;
    this.behind -= 1;
  }

  /** Those that need this segment as their first. */
  needing(segment: Segment): readonly BookedTurn[] {
    return [...(this.#bySegment.get(segment) ?? [])];
  }

  isNeeded(segment: Segment): boolean {
    return (this.#bySegment.get(segment)?.size ?? 0) > 0;
  }

  [Symbol.iterator](): Iterator<BookedTurn> {
    return this.#turns.values();
  }

  #of(segment: Segment): Set<BookedTurn> {
    const turns = this.#bySegment.get(segment) ?? new Set();
    this.#bySegment.set(segment, turns);
    return turns;
  }

  #leave(turn: BookedTurn): void {
    if (!turn.since) return;
    const turns = this.#bySegment.get(turn.since);
    turns?.delete(turn);
    if (turns?.size === 0) this.#bySegment.delete(turn.since);
    turn.since = undefined;
  }
}
