import type { InputOf } from '../protocol/methods.ts';
import type { Peer } from './peer.ts';

/** What a turn may keep before its generator has to wait: bytes, roughly. Twice as much, and older events become text. */
const MOST_KEPT = 4 * 1024 * 1024;
/** The same of all turns of an agent. */
const MOST_KEPT_IN_ALL = 64 * 1024 * 1024;
/** Of a turn with a ticket, how long its text may be so that all of it is kept. Characters. */
const MOST_WHOLE_TEXT = 4 * 1024 * 1024;
/** Of a turn's events that became text. Characters; beyond it the turn is given up. */
const MOST_TEXT = 8 * 1024 * 1024;
/** What an event takes besides its text. */
const ENTRY_BYTES = 64;
/** From so many released entries on they are cut off the array. */
const COMPACT_AT = 1_024;

/** What all turns of an agent keep together. Bytes, roughly. */
export class KeptBytes {
  bytes = 0;
  /** What their brokers have, and turns with a ticket keep all the same. */
  held = 0;
}

/** An event as it is sent: what it is of, and its own fields. */
export interface TurnMessage {
  kind: string;
  session_id: string;
  turn_id: string;
  [field: string]: unknown;
}

/** A plain token is its delta; any other event its text as JSON, and what of it is the answer's text. */
type Entry = string | { json: string; delta: string };

const PLAIN = ['kind', 'delta', 'session_id', 'turn_id'];
const deltaOf = (entry: Entry): string => (typeof entry === 'string' ? entry : entry.delta);
const bytesOf = (entry: Entry): number =>
  ENTRY_BYTES + (typeof entry === 'string' ? entry.length : entry.json.length + entry.delta.length);

/**
 * The way of one turn's events to the broker. Where turns wait for their agent (`agent_window_ms`) they are numbered, and
 * kept until the broker has them: so they go on over the agent's next connection, none missing and none twice. Of a turn with
 * a ticket all is kept until it ends, for another broker where this one is gone with what it has; but never so much that
 * anybody would have to wait for that.
 */
export class TurnLine {
  readonly #session: string;
  readonly #turn: string;
  /** Undefined: they are sent, and that is all. */
  readonly #all: KeptBytes | undefined;
  readonly #overflowed: () => void;
  readonly #ticket: string | undefined;
  #peer: Peer;
  #isAway = false;
  #isClosed = false;
  #next = 1;
  /** Those from {@link #from} on. */
  #entries: Entry[] = [];
  #first = 0;
  #from = 1;
  #bytes = 0;
  /** All of it is kept, although the broker has it. */
  #isWhole: boolean;
  /** Then: up to which event the broker has it, and the bytes of those that are kept still. */
  #arrived = 0;
  #arrivedBytes = 0;
  /** Bytes of what it has, and of what it has not. */
  #held = 0;
  #missing = 0;
  /** The text of those before, as far as they were not released. */
  #text: string[] = [];
  #textLength = 0;
  /** How much text was before that. */
  #textFrom = 0;
  /** Whoever waits until there is room, or a connection. */
  #waiting: (() => void)[] = [];

  /**
   * @param all what is kept in all, where it is kept. @param overflowed it was too much, and none of it is kept.
   * @param ticket with it another broker takes up what is kept.
   */
  constructor(
    peer: Peer,
    session: string,
    turn: string,
    all: KeptBytes | undefined,
    overflowed: () => void,
    ticket?: string,
  ) {
    this.#peer = peer;
    this.#session = session;
    this.#turn = turn;
    this.#all = all;
    this.#overflowed = overflowed;
    this.#ticket = ticket;
    this.#isWhole = ticket !== undefined;
  }

  /** The agent's connection; while there is none, the last one. */
  get peer(): Peer {
    return this.#peer;
  }

  /** Whether it outlives its connection. */
  get isKept(): boolean {
    return this.#all !== undefined && !this.#isClosed;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether the broker has everything that was sent. */
  get isEmpty(): boolean {
    return this.#from === this.#next;
  }

  /** Whether more should not be written for now. */
  get isFull(): boolean {
    return this.#missing > MOST_KEPT || (this.#all?.bytes ?? 0) > MOST_KEPT_IN_ALL;
  }

  /** Bytes that were sent and have not left yet. */
  get bufferedAmount(): number {
    return this.#isAway ? 0 : this.#peer.bufferedAmount;
  }

  /** Sends an event, or keeps it for the next connection. False where nobody will have it. @throws {TypeError} no JSON. */
  send(message: TurnMessage): boolean {
    if (this.#all === undefined) return this.#peer.notify('agent.chat.event', message);
    if (this.#isClosed) return false;
    message.aseq = this.#next;
    const isPlain = message.kind === 'token' && Object.keys(message).length === PLAIN.length + 1;
    const delta = message.kind === 'token' ? (message.delta as string) : '';
    // Before anything is kept: it throws where JSON cannot write it.
    const entry = isPlain ? delta : { json: this.#peer.json.stringify(message), delta };
    if (!this.#isAway) this.#peer.notify('agent.chat.event', message);
    this.#next++;
    this.#entries.push(entry);
    this.#count(bytesOf(entry));
    // Never the last: where that is the end, nothing of it is text, and the turn would have none.
    while (this.#isOverfull && this.#first < this.#entries.length - 1) this.#letGo();
    if (this.#isWhole) this.#trim();
    if (this.#textLength > MOST_TEXT) {
      this.close();
      this.#overflowed();
    }
    return true;
  }

  /** The broker has everything up to this one, and need not be the last that has. */
  received(aseq: number): void {
    if (this.#ticket === undefined) return;
    if (this.#isWhole) {
      this.#arrive(Math.min(aseq, this.#next - 1));
      this.#trim();
      this.#wake();
    } else this.release(aseq);
  }

  /** Nobody needs anything up to this one any more. */
  release(aseq: number): void {
    if (aseq >= this.#from - 1 && this.#textLength > 0) {
      this.#textFrom += this.#textLength;
      this.#count(-this.#textLength);
      this.#text = [];
      this.#textLength = 0;
    }
    while (this.#from <= aseq && this.#first < this.#entries.length) this.#textFrom += deltaOf(this.#take()).length;
    this.#wake();
  }

  /** Sends all after this one again. */
  rewind(after: number): void {
    if (this.#isAway || this.#isClosed) return;
    const start = this.#first + Math.max(0, after + 1 - this.#from);
    for (let at = start; at < this.#entries.length; at++) {
      const entry = this.#entries[at] as Entry;
      const aseq = this.#from + at - this.#first;
      const turn = { kind: 'token', session_id: this.#session, turn_id: this.#turn, aseq };
      const message = typeof entry === 'string' ? { ...turn, delta: entry } : this.#peer.json.parse(entry.json);
      this.#peer.notify('agent.chat.event', message);
    }
  }

  /** The connection is gone. */
  away(): void {
    this.#isAway = true;
  }

  /** How it is gone on with. */
  get claim(): InputOf<'agent.resume'>['turns'][number] {
    const turn = { turn_id: this.#turn, session_id: this.#session, next: this.#next, kept_from: this.#from };
    const hasText = this.#textLength > 0 || (this.#isWhole && this.#from > 1);
    return {
      ...turn,
      ...(hasText ? { text: this.#text.join(''), text_from: this.#textFrom } : {}),
      ...(this.#isWhole ? { ticket: this.#ticket } : {}),
    };
  }

  /** The same without what a broker needs not that has the turn. Undefined where there is nothing of that. */
  get shortClaim(): InputOf<'agent.resume'>['turns'][number] | undefined {
    if (!this.#isWhole || this.#arrived < this.#from - 1) return undefined;
    return { turn_id: this.#turn, session_id: this.#session, next: this.#next, kept_from: this.#from };
  }

  /** There is a connection again, and the broker has everything up to this one. */
  back(peer: Peer, after: number, released: number): void {
    if (this.#isClosed) return;
    this.#peer = peer;
    this.#isAway = false;
    this.release(released);
    // Less than the last one had, maybe: another broker has nothing yet.
    this.received(after);
    this.rewind(Math.max(after, released));
    this.#wake();
  }

  /** Nobody will have any of it. */
  close(): void {
    this.#isClosed = true;
    this.#isAway = false;
    this.#isWhole = false;
    this.#arrived = 0;
    this.#arrivedBytes = 0;
    this.#entries = [];
    this.#first = 0;
    this.#from = this.#next;
    this.#text = [];
    this.#textLength = 0;
    this.#count(-this.#bytes);
    this.#wake();
  }

  /** Resolves when there may be room, or a connection, or neither will be needed. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      this.#waiting.push(done);
    });
  }

  get #isOverfull(): boolean {
    const entryBytes = this.#bytes - this.#textLength - this.#arrivedBytes;
    return entryBytes > 2 * MOST_KEPT || (this.#all?.bytes ?? 0) > 2 * MOST_KEPT_IN_ALL;
  }

  /** The oldest event goes, and of it the text stays. */
  #letGo(): void {
    const delta = deltaOf(this.#take());
    this.#text.push(delta);
    this.#textLength += delta.length;
    this.#count(delta.length);
  }

  /** What the broker has is kept as far as there is room: first as it was, then as text, and then not at all. */
  #trim(): void {
    const isTooMuch = () => this.#bytes - this.#textLength > MOST_KEPT && this.#first < this.#entries.length - 1;
    while (this.#from <= this.#arrived && isTooMuch()) this.#letGo();
    if (this.#textLength <= MOST_WHOLE_TEXT && (this.#all?.held ?? 0) <= MOST_KEPT_IN_ALL) return;
    // From now on it goes on at its own broker alone.
    const arrived = this.#arrived;
    this.#isWhole = false;
    this.#arrive(0);
    this.release(arrived);
  }

  /** The broker has everything up to this one, and no more. */
  #arrive(aseq: number): void {
    const [low, high] = aseq > this.#arrived ? [this.#arrived, aseq] : [aseq, this.#arrived];
    let bytes = 0;
    for (let at = Math.max(low + 1, this.#from); at <= high; at++)
      bytes += bytesOf(this.#entries[this.#first + at - this.#from] as Entry);
    this.#arrivedBytes += aseq > this.#arrived ? bytes : -bytes;
    this.#arrived = aseq;
    this.#count(0);
  }

  #take(): Entry {
    const entry = this.#entries[this.#first] as Entry;
    this.#entries[this.#first] = '';
    const bytes = bytesOf(entry);
    if (this.#from <= this.#arrived) this.#arrivedBytes -= bytes;
    this.#first++;
    this.#from++;
    this.#count(-bytes);
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return entry;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    // It is one text: where its end has not arrived, none of it has.
    const isTextHeld = this.#isWhole && this.#arrived >= this.#from - 1;
    const held = this.#arrivedBytes + (isTextHeld ? this.#textLength : 0);
    if (this.#all) {
      this.#all.bytes += this.#bytes - held - this.#missing;
      this.#all.held += held - this.#held;
    }
    this.#held = held;
    this.#missing = this.#bytes - held;
  }

  #wake(): void {
    for (const done of this.#waiting.splice(0)) done();
  }
}
