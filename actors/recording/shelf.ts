import type { RecordedTurn } from '../../protocol/recording.ts';
import { Summary } from './summary.ts';
import { Tape, type TapeBudget } from './tape.ts';
import { TextBlocks } from './text-blocks.ts';

/** A turn's own share of the room, at most: one does not push out all others. Bytes. */
const MAX_TAPE_BYTES = 4 * 1024 * 1024;
/** The least that one turn has. */
const MIN_TAPE_BYTES = 128 * 1024;

/** Where live turns alone are too much, so much of the room is made free at once. */
const FREED = 1 / 16;

/** What is kept at most. */
export interface ShelfLimits {
  readonly turns: number;
  readonly bytes: number;
  readonly keepMs: number;
}

/** Every tape that is kept: of live turns, and of those that have ended. Bounded: the ones that ended first go first. */
export class Shelf {
  readonly #limits: ShelfLimits;
  /** By turn id. */
  readonly #all = new Map<string, Tape>();
  /** Those that have ended, in the order in which they did. */
  readonly #ended = new Map<string, Tape>();
  readonly #gone: (tape: Tape) => void;
  readonly #budget: TapeBudget;
  bytes = 0;
  /** From more bytes than this on there is something to be done. */
  #most: number;
  /** Turns that went for want of room, and records of those that are there. Since the start. */
  droppedTurns = 0;
  droppedRecords = 0;

  /** `gone`: hears of each that is kept no longer. */
  constructor(limits: ShelfLimits, gone: (tape: Tape) => void) {
    this.#limits = limits;
    this.#most = limits.bytes;
    this.#gone = gone;
    this.#budget = {
      blocks: new TextBlocks(),
      changed: (bytes) => {
        this.bytes += bytes;
        if (bytes > 0 && this.bytes > this.#most) this.trim();
      },
      lost: (count) => {
        this.droppedRecords += count;
      },
    };
  }

  get size(): number {
    return this.#all.size;
  }

  get(turnId: string): Tape | undefined {
    return this.#all.get(turnId);
  }

  /** The newest first: a turn's id says when it began. */
  newestFirst(): Tape[] {
    return [...this.#all.values()].sort((one, other) => (one.turnId < other.turnId ? 1 : -1));
  }

  [Symbol.iterator](): IterableIterator<Tape> {
    return this.#all.values();
  }

  /** A new tape. */
  begin(summary: Summary): Tape {
    const most = Math.min(MAX_TAPE_BYTES, Math.max(MIN_TAPE_BYTES, this.#limits.bytes / 8));
    const tape = new Tape(summary, this.#budget, most);
    this.#all.set(tape.turnId, tape);
    this.trim();
    return tape;
  }

  /** One from before, as it was kept; `turn`: its line of a table. */
  restore(turn: RecordedTurn, ahead: number): Tape {
    return this.begin(Summary.from(turn, ahead));
  }

  /** Its turn goes on. */
  goesOn(tape: Tape): void {
    this.#ended.delete(tape.turnId);
  }

  ended(tape: Tape): void {
    if (this.#all.get(tape.turnId) !== tape) return;
    this.#ended.set(tape.turnId, tape);
    this.trim();
  }

  /**
   * Lets those go that there is no room for. A live one stays, however many there are; where they alone are too much, the older
   * half of what each has goes, from the oldest on.
   */
  trim(): void {
    const { turns, bytes } = this.#limits;
    while (this.#all.size > turns || this.bytes > bytes) {
      const [oldest] = this.#ended.values();
      if (!oldest) break;
      this.#drop(oldest);
    }
    if (this.bytes <= bytes) {
      this.#most = bytes;
      return;
    }
    if (this.bytes <= this.#most) return;
    // Out of the way of what is freed: it would begin again with each line that says so.
    this.#most = Number.POSITIVE_INFINITY;
    for (const tape of this.#all.values()) {
      if (this.bytes <= bytes * (1 - FREED)) break;
      tape.squeeze();
    }
    // Where all of them are nearly nothing, looking again at each record, or with each turn, would take longer than it frees.
    this.#most = Math.max(bytes, this.bytes * (1 + FREED));
  }

  /** Lets those go that have been there long enough. `now`: Unix milliseconds. */
  sweep(now: number): void {
    for (const tape of [...this.#ended.values()]) {
      if ((tape.summary.endedAt ?? now) > now - this.#limits.keepMs) continue;
      this.#remove(tape);
    }
  }

  #drop(tape: Tape): void {
    this.droppedTurns += 1;
    this.#remove(tape);
  }

  #remove(tape: Tape): void {
    this.#all.delete(tape.turnId);
    this.#ended.delete(tape.turnId);
    if (tape.turn) tape.turn.tape = undefined;
    tape.release();
    this.#gone(tape);
  }
}
