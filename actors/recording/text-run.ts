import { giveRoom, takeRoom } from './text-room.ts';

/** Characters of a run, at most. */
export const RUN_LENGTH = 8_192;
/** So much of an end without a space waits for what follows: a secret must not be cut in two, for neither half would be known. */
const MAX_TAIL = 512;
const SOLID_END = /[!-~]+$/;

/** What a run was, once it is over. */
export interface Run {
  at: number;
  until: number;
  count: number;
  text: string;
}

/** A longer token is written by Node, a shorter one here: calling Node takes as long as some dozens of characters. */
const SHORT = 64;
const NO_ROOM = Buffer.alloc(0);

/**
 * Tokens that come one behind the other, as one text. Of a token nothing is made (law 2), and nothing of it stays: its
 * characters are copied. Strings that wait to be joined would outlive the next collections of young objects, and each of
 * them costs those, and then a collection of everything, more than all else that is done for a token.
 */
export class TextRun {
  /** UTF-16, little-endian. Only while there is something in it. */
  #room: Buffer = NO_ROOM;
  /** Characters in it. */
  #length = 0;
  /** Tokens in it. */
  count = 0;
  at = 0;
  until = 0;

  get isEmpty(): boolean {
    return this.#length === 0 && this.count === 0;
  }

  /** What it takes, in bytes. */
  get bytes(): number {
    return this.#room.length;
  }

  /** Whether a text of this length has room. */
  fits(length: number): boolean {
    return this.#length + length <= RUN_LENGTH;
  }

  /** Adds a token, which has to {@link fits | fit}. `now`: the clock's milliseconds. */
  add(delta: string, now: number): void {
    if (this.count === 0) this.at = now;
    this.count += 1;
    this.until = now;
    const { length } = delta;
    const end = this.#length + length;
    if (2 * end > this.#room.length) this.#widen(end);
    const room = this.#room;
    if (length > SHORT) room.write(delta, 2 * this.#length, 'utf16le');
    else {
      let to = 2 * this.#length;
      for (let from = 0; from < length; from += 1) {
        const character = delta.charCodeAt(from);
        room[to] = character;
        room[to + 1] = character >> 8;
        to += 2;
      }
    }
    this.#length = end;
  }

  #widen(characters: number): void {
    const before = this.#room;
    this.#room = takeRoom(characters);
    if (before === NO_ROOM) return;
    before.copy(this.#room, 0, 0, 2 * this.#length);
    giveRoom(before);
  }

  /**
   * Takes what there is, as it came. Unless the run is over, its last word stays: what follows may belong to it.
   * @returns undefined where nothing can be taken
   */
  take(isOver: boolean): Run | undefined {
    if (this.isEmpty) return undefined;
    const whole = this.#room.toString('utf16le', 0, 2 * this.#length);
    const tail = isOver ? '' : (SOLID_END.exec(whole.slice(-MAX_TAIL - 1))?.[0] ?? '');
    const kept = tail.length > MAX_TAIL ? '' : tail;
    const text = kept === '' ? whole : whole.slice(0, -kept.length);
    if (text === '' && !isOver) return undefined;
    const run = { at: this.at, until: this.until, count: this.count, text };
    this.#room.copyWithin(0, 2 * text.length, 2 * whole.length);
    this.#length = kept.length;
    this.count = 0;
    this.at = this.until;
    if (isOver) this.release();
    return run;
  }

  /** Lets go of what it has. */
  release(): void {
    if (this.#room !== NO_ROOM) giveRoom(this.#room);
    this.#room = NO_ROOM;
    this.#length = 0;
    this.count = 0;
  }
}
