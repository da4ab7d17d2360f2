import type { JournaledEnding, Json, TurnJournal } from '../../../protocol/turn-journal.ts';

/** A turn's place in the journal: what is told here comes back after a restart. Without a journal no turn has one. */
export class Kept {
  readonly turn: number;
  readonly journal: TurnJournal;
  /** The block that the last of what must not be lost is in: see {@link isSettled}. */
  #position: number;

  /** @param position - of its `open`; of a turn that was found at the start, 0 */
  constructor(journal: TurnJournal, turn: number, position: number) {
    this.journal = journal;
    this.turn = turn;
    this.#position = position;
  }

  /** The block of its `open`, or of its terminal, once there is one. */
  get position(): number {
    return this.#position;
  }

  /** Whether that may be relied on. */
  get isSettled(): boolean {
    return this.journal.settled >= this.#position;
  }

  token(seq: number, aseq: number, delta: string): void {
    this.journal.token(this.turn, seq, aseq, delta);
  }

  /** `before`: the `seq` of the event before it. */
  frame(seq: number, aseq: number, text: string, delta: string | undefined, isTerminal: boolean, before: number): void {
    this.journal.frame(this.turn, seq, aseq, text, delta, isTerminal, before);
    if (isTerminal) this.#position = this.journal.position;
  }

  /** An event of the agent's that takes a number of its own, and none of the turn's. */
  skip(aseq: number): void {
    this.journal.skip(this.turn, aseq);
  }

  /** Something to be known of the turn after a restart; of each name the last stands, and undefined takes it away. */
  note(name: 'cancel' | 'claim', value: Json | undefined): void {
    this.journal.note(this.turn, name, value);
  }

  end(ending: JournaledEnding): void {
    this.journal.end(this.turn, ending, Date.now());
  }

  forget(): void {
    this.journal.forget(this.turn);
  }
}
