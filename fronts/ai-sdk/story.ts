import { exactJson } from '../../client/node.ts';
import type { Account } from '../core/held.ts';
import { OwnCalls } from '../core/own-calls.ts';

/** How much of a turn is kept beside what the broker keeps. Characters of JSON; a turn that has more cannot be resumed. */
export const MAX_STORY = 4 * 1024 * 1024;
/** What each of it counts besides. */
const MARK_SIZE = 64;

/** One part of a message, as the stream has it. */
export type Part = { type: string } & Record<string, unknown>;

interface Mark {
  /** The event that came before it. */
  after: number;
  /** JSON. */
  part: string;
}

/**
 * One turn as the chunks of one message, over all its responses: what the broker's log of it does not have, to be told again
 * at its place: which tools its window was asked to run and what came of it, what a person was asked and has decided, and where
 * one response ended and the next began.
 */
export class Story {
  readonly turnId: string;
  /** What the window calls the message. */
  messageId: string;
  /** Approvals that the window was asked for, by their ids: whether they are open. */
  readonly asked = new Map<string, boolean>();
  /** How many texts have begun. */
  texts = 0;
  own: OwnCalls;
  /** The last event that was told, and the last that ever was. */
  seq = 0;
  head = 0;
  #marks: Mark[] = [];
  #size = 0;
  #isWhole = true;
  readonly #account: Account;
  /** How many marks have been told. */
  #told = 0;

  /** @param account what is kept of it */
  constructor(turnId: string, account: Account) {
    this.#account = account;
    this.turnId = turnId;
    this.messageId = `msg-${turnId}`;
    this.own = new OwnCalls(turnId);
  }

  /** Whether it can be told again from its beginning. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** It is told again. */
  rewind(): void {
    this.texts = 0;
    this.own = new OwnCalls(this.turnId);
    this.seq = 0;
    this.#told = 0;
  }

  /** Keeps a part that no event tells of. @returns its JSON */
  mark(part: Part): string {
    const text = exactJson.stringify(part);
    this.#size += text.length + MARK_SIZE;
    this.#isWhole &&= this.#size <= MAX_STORY && this.#account.take(this.#size);
    if (this.#isWhole) this.#marks.push({ after: this.seq, part: text });
    else {
      this.#marks = [];
      this.#account.close();
    }
    this.#told = this.#marks.length;
    return text;
  }

  /** The parts that are due, as JSON. @param all whatever comes now is new. */
  due(all = false): string[] {
    const from = this.#told;
    while (this.#told < this.#marks.length && (all || (this.#marks[this.#told] as Mark).after <= this.seq))
      this.#told += 1;
    return this.#marks.slice(from, this.#told).map(({ part }) => part);
  }

  /** An event was told. */
  pass(seq: number | undefined): void {
    if (seq === undefined) return;
    this.seq = seq;
    this.head = Math.max(this.head, seq);
  }
}
