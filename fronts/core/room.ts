import type { FrontTurn } from './turn.ts';

/** So many characters are taken at once: to ask for each delta would cost more than it has. */
const STEP = 4_096;

/** The room for what a response keeps of its turn; it is given back when the turn is read no more. */
export class Room {
  readonly #turn: Pick<FrontTurn, 'keep'>;
  #size = 0;
  #taken = 0;

  constructor(turn: Pick<FrontTurn, 'keep'>) {
    this.#turn = turn;
  }

  /** Whether so many characters more may be kept. */
  add(length: number): boolean {
    this.#size += length;
    if (this.#size <= this.#taken) return true;
    if (!this.#turn.keep(this.#size + STEP)) return false;
    this.#taken = this.#size + STEP;
    return true;
  }
}
