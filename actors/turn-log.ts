import type { OutwardEvent } from '../machines/connection.machine.ts';
import type { Limits } from '../protocol/limits.ts';
import { hashToken, tokenMatches } from './agent-registry.ts';
import type { Client } from './client.ts';
import type { Ending } from './counters.ts';
import { JoinedText } from './joined-text.ts';
import { LazySet } from './lazy.ts';

/** What an event counts besides its text: the place that it takes. */
const ENTRY_BYTES = 64;
/** From so many dropped entries on the array is cut. */
const COMPACT_AT = 1024;

/** An event that is no plain token: its frame, and what of it belongs to the text. */
interface LoggedFrame {
  text: string;
  delta: string | undefined;
}

/** A plain token is its delta; a frame of its own for each would take ten times as much. */
type Entry = string | LoggedFrame;

/** What a log tells the book of all logs. */
export interface LogBudget {
  /** It takes that many bytes more than before, or less. */
  changed(bytes: number): void;
  /** One more turn may be without a host. */
  readonly mayDetach: boolean;
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
  /** The connection that opened the turn. Its id is its own for ever (law 15). */
  readonly openerId: string;
  /** How long the turn waits for its host to come back, in milliseconds. */
  readonly windowMs: number;
  readonly budget: LogBudget;
  /** Who watches, besides the host. */
  readonly observers = new LazySet<Client>();
  /** How the turn ended, once it has. */
  ending: Exclude<Ending, 'refused'> | undefined;
  /** When, in the clock's milliseconds. */
  endedAt = 0;
  readonly #tokenHash: string;
  readonly #maxBytes: number;
  readonly #dropped: JoinedText;
  #entries: Entry[] = [];
  /** Where the kept ones begin: shifting a long array would cost its length. */
  #first = 0;
  /** The `seq` of the oldest that is kept. */
  #firstSeq = 1;
  #bytes = 0;
  /** Of it, the newest event's. */
  #newestBytes = 0;

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
    this.openerId = options.openerId;
    this.windowMs = options.windowMs;
    this.budget = options.budget;
    this.#tokenHash = hashToken(options.token);
    this.#maxBytes = options.limits.maxLogBytes;
    this.#dropped = new JoinedText(options.limits.maxLogTextBytes);
  }

  /** The `seq` of the newest event; 0 before the first. */
  get head(): number {
    return this.#firstSeq + this.#entries.length - this.#first - 1;
  }

  /** What it takes, the text of dropped events included. */
  get bytes(): number {
    return this.#bytes + this.#dropped.bytes;
  }

  /** Of that, what could be let go of. */
  get spareBytes(): number {
    return this.bytes - this.#newestBytes;
  }

  /** Whether this client may subscribe: who opened the turn, the host role, and whoever has the token. */
  admits(client: Client, token: string | undefined): boolean {
    const hasToken = token !== undefined && tokenMatches(token, this.#tokenHash);
    return hasToken || client.id === this.openerId || client.role === 'host';
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
  addFrame(text: string, delta: string | undefined): void {
    this.#entries.push({ text, delta });
    this.#grow(Buffer.byteLength(text) + ENTRY_BYTES);
  }

  /** A kept event, as it is sent. */
  at(seq: number): Extract<OutwardEvent, { type: 'chat.token' | 'chat.frame' }> | undefined {
    const entry = seq < this.#firstSeq ? undefined : this.#entries[this.#first + seq - this.#firstSeq];
    if (entry === undefined) return undefined;
    if (typeof entry === 'object') return { type: 'chat.frame', text: entry.text, delta: entry.delta };
    return { type: 'chat.token', token: { head: this.tokenHead, seq, seqFrom: seq, delta: entry } };
  }

  /** All `token` deltas up to the head, joined; undefined where they were too long to keep. */
  get text(): string | undefined {
    const dropped = this.#dropped.text;
    return dropped === undefined ? undefined : dropped + this.#entries.slice(this.#first).map(deltaOf).join('');
  }

  /** Drops all but the newest event, and the text too: there is no room for it any more. */
  empty(): void {
    const before = this.bytes;
    while (this.#entries.length - this.#first > 1) this.#dropOldest();
    this.#dropped.forget();
    this.budget.changed(this.bytes - before);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#newestBytes = bytes;
    if (this.#bytes <= this.#maxBytes) {
      this.budget.changed(bytes);
      return;
    }
    const before = this.bytes - bytes;
    // The newest stays, however large: it may be the terminal.
    while (this.#bytes > this.#maxBytes && this.#entries.length - this.#first > 1) this.#dropOldest();
    this.budget.changed(this.bytes - before);
  }

  #dropOldest(): void {
    const entry = this.#entries[this.#first] as Entry;
    this.#bytes -= Buffer.byteLength(typeof entry === 'string' ? entry : entry.text) + ENTRY_BYTES;
    this.#dropped.add(deltaOf(entry));
    this.#entries[this.#first] = '';
    this.#first += 1;
    this.#firstSeq += 1;
    if (this.#first <= COMPACT_AT || this.#first * 2 <= this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}

function deltaOf(entry: Entry): string {
  return typeof entry === 'string' ? entry : (entry.delta ?? '');
}
