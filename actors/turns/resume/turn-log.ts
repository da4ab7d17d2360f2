import type { OutwardEvent } from '../../../machines/connection.machine.ts';
import type { Limits } from '../../../protocol/limits.ts';
import type { Ending } from '../../kernel/counters.ts';
import { JoinedText } from './joined-text.ts';
import { TurnKey } from './turn-key.ts';

/** What an event counts besides its text: the place that it takes. */
const ENTRY_BYTES = 64;
/** What a log counts besides its events: its ids and hashes, and its places in the book of all logs. */
export const LOG_BYTES = 1024;
/** From so many dropped entries on the array is cut. */
const COMPACT_AT = 1024;

/** An event that is no plain token: its frame, and what of it belongs to the text. */
interface LoggedFrame {
  text: string;
  delta: string | undefined;
}

/** A kept event, as it is sent. */
export type LoggedEvent = Extract<OutwardEvent, { type: 'chat.token' | 'chat.frame' }>;

/** A plain token is its delta; a frame of its own for each would take ten times as much. */
type Entry = string | LoggedFrame;

/** What a log tells the book of all logs. */
export interface LogBudget {
  /** It takes that many bytes more than before, or less. */
  changed(bytes: number): void;
  /** One more turn that this connection opened may be without a host. */
  mayDetach(openerId: string): boolean;
}

/**
 * The events of one turn that may be resumed, in order and by `seq` (`wire.md` section 8). Bounded: the oldest go, and
 * of their tokens the text stays. Outlives its turn for a while, so it knows nothing of it but ids.
 */
export class TurnLog {
  readonly turnId: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly tokenHead: string;
  readonly key: TurnKey;
  /** How long the turn waits for its host to come back, in milliseconds. */
  readonly windowMs: number;
  readonly budget: LogBudget;
  /** How the turn ended, once it has. */
  ending: Exclude<Ending, 'refused'> | undefined;
  /** When, in the clock's milliseconds. */
  endedAt = 0;
  readonly #maxBytes: number;
  readonly #dropped: JoinedText;
  #entries: Entry[] = [];
  /** Where the kept ones begin: shifting a long array would cost its length. */
  #first = 0;
  /** The `seq` of the oldest that is kept. */
  #firstSeq = 1;
  /** Kept events that are no plain tokens. */
  #frameCount = 0;
  #bytes = 0;
  /** Of it, the terminal's, which alone must stay: whoever comes back is owed it. 0: there is none yet. */
  #terminalBytes = 0;

  constructor(options: {
    turn: { id: string; sessionId: string; agentId: string; tokenHead: string };
    openerId: string;
    windowMs: number;
    token: string;
    limits: Limits;
    budget: LogBudget;
  }) {
    this.turnId = options.turn.id;
    this.sessionId = options.turn.sessionId;
    this.agentId = options.turn.agentId;
    this.tokenHead = options.turn.tokenHead;
    this.key = new TurnKey(options.openerId, options.token);
    this.windowMs = options.windowMs;
    this.budget = options.budget;
    this.#maxBytes = options.limits.maxLogBytes;
    this.#dropped = new JoinedText(options.limits.maxLogTextBytes);
  }

  /** The `seq` of the newest event; 0 before the first. */
  get head(): number {
    return this.#firstSeq + this.#entries.length - this.#first - 1;
  }

  /** What it takes, the text of dropped events included. */
  get bytes(): number {
    return LOG_BYTES + this.#bytes + this.#dropped.bytes;
  }

  /** Of that, what could be let go of. */
  get spareBytes(): number {
    return this.#bytes + this.#dropped.bytes - this.#terminalBytes;
  }

  /** How many of the kept events are no plain tokens. */
  get frameCount(): number {
    return this.#frameCount;
  }

  /** Whether everything after this `seq` is kept. */
  reaches(after: number): boolean {
    return after + 1 >= this.#firstSeq;
  }

  addToken(delta: string): void {
    this.#entries.push(delta);
    this.#grow(Buffer.byteLength(delta) + ENTRY_BYTES);
  }

  /** Adds any other event. `delta`: its part of the text. */
  addFrame(text: string, delta: string | undefined, isTerminal: boolean): void {
    const entry = { text, delta };
    this.#entries.push(entry);
    this.#frameCount += 1;
    const bytes = bytesOf(entry);
    if (isTerminal) this.#terminalBytes = bytes;
    this.#grow(bytes);
  }

  /** A kept event, as it is sent. */
  at(seq: number): LoggedEvent | undefined {
    const entry = this.#entryAt(seq);
    if (entry === undefined) return undefined;
    if (typeof entry === 'object') return { type: 'chat.frame', text: entry.text, delta: entry.delta };
    return { type: 'chat.token', token: { head: this.tokenHead, seq, seqFrom: seq, delta: entry } };
  }

  /** The delta of a kept plain token; undefined where that event is none. */
  deltaAt(seq: number): string | undefined {
    const entry = this.#entryAt(seq);
    return typeof entry === 'string' ? entry : undefined;
  }

  /** All `token` deltas up to the head, joined; undefined where they were too long to keep. */
  get text(): string | undefined {
    const dropped = this.#dropped.text;
    return dropped === undefined ? undefined : dropped + this.#entries.slice(this.#first).map(deltaOf).join('');
  }

  /** Drops all but the terminal, and the text too: there is no room for it any more. */
  empty(): void {
    const before = this.bytes;
    while (this.#hasSpare) this.#dropOldest();
    this.#dropped.forget();
    this.budget.changed(this.bytes - before);
  }

  #entryAt(seq: number): Entry | undefined {
    return seq < this.#firstSeq ? undefined : this.#entries[this.#first + seq - this.#firstSeq];
  }

  /** Whether there is an event that may go. The terminal is the last one. */
  get #hasSpare(): boolean {
    return this.#entries.length - this.#first > (this.#terminalBytes > 0 ? 1 : 0);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#maxBytes) {
      this.budget.changed(bytes);
      return;
    }
    const before = this.bytes - bytes;
    while (this.#bytes > this.#maxBytes && this.#hasSpare) this.#dropOldest();
    this.budget.changed(this.bytes - before);
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#first] as Entry;
    this.#bytes -= bytesOf(entry);
    if (typeof entry === 'object') this.#frameCount -= 1;
    this.#dropped.add(deltaOf(entry));
    this.#entries[this.#first] = '';
    this.#first += 1;
    this.#firstSeq += 1;
    if (this.#first <= COMPACT_AT || this.#first * 2 <= this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}

/** What an entry counts: of one that is no plain token, the delta that is kept beside its frame too. */
function bytesOf(entry: Entry): number {
  if (typeof entry === 'string') return Buffer.byteLength(entry) + ENTRY_BYTES;
  return Buffer.byteLength(entry.text) + Buffer.byteLength(entry.delta ?? '') + ENTRY_BYTES;
}

function deltaOf(entry: Entry): string {
  return typeof entry === 'string' ? entry : (entry.delta ?? '');
}
