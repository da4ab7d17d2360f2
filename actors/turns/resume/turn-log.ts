import type { OutwardEvent } from '../../../machines/connection.machine.ts';
import type { Limits } from '../../../protocol/limits.ts';
import type { Principal } from '../../../protocol/principal.ts';
import type { LogSnapshot } from '../../../protocol/turn-journal.ts';
import type { Ending } from '../../kernel/counters.ts';
import type { AgentLine } from './agent-line.ts';
import { JoinedText } from './joined-text.ts';
import type { Kept } from './kept.ts';
import type { LoggedTurn } from './logged-turn.ts';
import type { Opening } from './opening.ts';
import { TurnKey } from './turn-key.ts';

/** What an event counts besides its text: the place that it takes. */
export const ENTRY_BYTES = 64;
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
}

/**
 * The events of one turn that may be resumed, in order and by `seq` (`wire.md` section 8). Bounded: the oldest go, and
 * of their tokens the text stays. Outlives its turn for a while, so it knows nothing of it but ids.
 */
export class TurnLog {
  readonly turnId: string;
  readonly sessionId: string;
  readonly sessionKey: string;
  readonly owner: Principal;
  readonly agentId: string;
  readonly tokenHead: string;
  readonly key: TurnKey;
  /** How long the turn waits for its host to come back, in milliseconds. */
  readonly windowMs: number;
  readonly budget: LogBudget;
  /** What the turn was opened with, where its host has chosen the secret. */
  readonly opening: Opening | undefined;
  /** How far its agent has come, where it numbers its events. */
  readonly line: AgentLine | undefined;
  /** Its host may have had more of it: it was found at the start of the broker, and its agent has not come back. */
  isBehind: boolean;
  /** Its place in the journal, where there is one. */
  kept: Kept | undefined;
  /** How the turn ended, once it has. */
  ending: Exclude<Ending, 'refused' | 'moved'> | undefined;
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
  /** How many numbers lie between the terminal and what was kept before it: somebody has had more than came here. */
  #missing = 0;
  /** The last event before numbers that are left out, until the next one is there. */
  #jumpedFrom: number | undefined;

  constructor(options: {
    turn: Pick<
      LoggedTurn,
      'id' | 'sessionId' | 'sessionKey' | 'owner' | 'agentId' | 'tokenHead' | 'openerId' | 'opening' | 'line'
    >;
    windowMs: number;
    tokenHash: string;
    limits: Limits;
    budget: LogBudget;
    /** It was found at the start of the broker. */
    isRestored?: boolean;
  }) {
    this.turnId = options.turn.id;
    this.sessionId = options.turn.sessionId;
    this.sessionKey = options.turn.sessionKey;
    this.owner = options.turn.owner;
    this.agentId = options.turn.agentId;
    this.tokenHead = options.turn.tokenHead;
    this.opening = options.turn.opening;
    this.line = options.turn.line;
    this.isBehind = options.isRestored ?? false;
    this.key = new TurnKey(options.turn.openerId, options.tokenHash, this.isBehind ? this.owner : undefined);
    this.windowMs = options.windowMs;
    this.budget = options.budget;
    this.#maxBytes = options.limits.maxLogBytes;
    this.#dropped = new JoinedText(options.limits.maxLogTextBytes);
  }

  /** The `seq` of the newest event; 0 before the first. */
  get head(): number {
    return this.#firstSeq + this.#entries.length - this.#first - 1 + this.#missing;
  }

  /** How many events there are from this `seq` on, of those that are kept. */
  countFrom(first: number): number {
    const { head } = this;
    return Math.max(head + 1 - this.#missing - first, first <= head ? 1 : 0);
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

  /** Adds a plain token. `aseq`: the number that its agent gave it; 0: none. */
  addToken(delta: string, aseq: number): void {
    this.#entries.push(delta);
    this.#grow(Buffer.byteLength(delta) + ENTRY_BYTES);
    this.kept?.token(this.head, aseq, delta);
  }

  /** Adds any other event. `delta`: its part of the text. `terminalSeq`: of a terminal, which may leave some numbers out. */
  addFrame(text: string, delta: string | undefined, aseq: number, terminalSeq?: number): void {
    const entry = { text, delta };
    const isTerminal = terminalSeq !== undefined;
    const before = this.#jumpedFrom ?? this.head;
    this.#jumpedFrom = undefined;
    if (isTerminal) this.#missing = terminalSeq - this.head - 1;
    this.#entries.push(entry);
    this.#frameCount += 1;
    const bytes = bytesOf(entry);
    if (isTerminal) this.#terminalBytes = bytes;
    this.#grow(bytes);
    this.kept?.frame(this.head, aseq, text, delta, isTerminal, before);
  }

  /** Of what came so far only the text stays, and the next event has this `seq`. */
  foldTo(seq: number): void {
    const before = this.bytes;
    while (this.#hasSpare) this.#dropOldest();
    if (seq > this.head + 1) this.#jumpedFrom = this.head;
    this.#firstSeq = seq;
    this.budget.changed(this.bytes - before);
  }

  /** It begins with this `seq`: what came before is gone, but for its text. */
  beginAt(seq: number): void {
    this.#firstSeq = seq;
  }

  /** A part of the text of what came before the first event, as the journal tells it; undefined: it was too long to keep. */
  addDropped(part: string | undefined): void {
    const before = this.bytes;
    if (part === undefined) this.#dropped.forget();
    else this.#dropped.add(part);
    this.budget.changed(this.bytes - before);
  }

  /** What it holds now, for the journal. */
  snapshot(): LogSnapshot {
    return {
      seq: this.head,
      aseq: this.line?.received ?? 0,
      firstSeq: this.#firstSeq,
      entries: this.#entries.slice(this.#first),
      hasTerminal: this.#terminalBytes > 0,
      dropped: this.#dropped.parts,
      textLength: this.line?.textLength ?? 0,
    };
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

  /** The frame of its terminal, once there is one. */
  get terminal(): string | undefined {
    const last = this.#terminalBytes > 0 ? this.#entries.at(-1) : undefined;
    return typeof last === 'object' ? last.text : undefined;
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
    if (seq < this.#firstSeq) return undefined;
    const at = this.#first + seq - this.#firstSeq;
    if (this.#missing === 0) return this.#entries[at];
    const last = this.#entries.length - 1;
    return seq === this.head ? this.#entries[last] : at < last ? this.#entries[at] : undefined;
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
