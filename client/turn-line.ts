import type { InputOf } from '../protocol/methods.ts';
import type { Peer } from './peer.ts';

/** What a turn may keep before its generator has to wait: bytes, roughly. Twice as much, and older events become text. */
const MOST_KEPT = 4 * 1024 * 1024;
/** The same of all turns of an agent. */
const MOST_KEPT_IN_ALL = 64 * 1024 * 1024;
/** Of a turn's events that became text. Characters; beyond it the turn is given up. */
const MOST_TEXT = 8 * 1024 * 1024;
/** What an event takes besides its text. */
const ENTRY_BYTES = 64;
/** From so many released entries on they are cut off the array. */
const COMPACT_AT = 1_024;

/** What all turns of an agent keep together. Bytes, roughly. */
export class KeptBytes {
  bytes = 0;
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
 * kept until the broker has them: so they go on over the agent's next connection, none missing and none twice.
 */
export class TurnLine {
  readonly #session: string;
  readonly #turn: string;
  /** Undefined: they are sent, and that is all. */
  readonly #all: KeptBytes | undefined;
  readonly #overflowed: () => void;
  #peer: Peer;
  #isAway = false;
  #isClosed = false;
  #next = 1;
  /** Those from {@link #from} on. */
  #entries: Entry[] = [];
  #first = 0;
  #from = 1;
  #bytes = 0;
  /** The text of those before, as far as they were not released. */
  #text: string[] = [];
  #textLength = 0;
  /** How much text was before that. */
  #textFrom = 0;
  /** Whoever waits until there is room, or a connection. */
  #waiting: (() => void)[] = [];

  /** @param all what is kept in all, where it is kept. @param overflowed it was too much, and none of it is kept. */
  constructor(peer: Peer, session: string, turn: string, all: KeptBytes | undefined, overflowed: () => void) {
    this.#peer = peer;
    this.#session = session;
    this.#turn = turn;
    this.#all = all;
    this.#overflowed = overflowed;
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
    return this.#bytes > MOST_KEPT || (this.#all?.bytes ?? 0) > MOST_KEPT_IN_ALL;
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
    if (this.#textLength > MOST_TEXT) {
      this.close();
      this.#overflowed();
    }
    return true;
  }

  /** The broker has everything up to this one. */
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
    return this.#textLength > 0 ? { ...turn, text: this.#text.join(''), text_from: this.#textFrom } : turn;
  }

  /** There is a connection again, and the broker has everything up to this one. */
  back(peer: Peer, after: number, released: number): void {
    if (this.#isClosed) return;
    this.#peer = peer;
    this.#isAway = false;
    this.release(released);
    this.rewind(Math.max(after, released));
    this.#wake();
  }

  /** Nobody will have any of it. */
  close(): void {
    this.#isClosed = true;
    this.#isAway = false;
    this.#count(-this.#bytes);
    this.#entries = [];
    this.#first = 0;
    this.#from = this.#next;
    this.#text = [];
    this.#textLength = 0;
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
    return this.#bytes - this.#textLength > 2 * MOST_KEPT || (this.#all?.bytes ?? 0) > 2 * MOST_KEPT_IN_ALL;
  }

  /** The oldest event goes, and of it the text stays. */
  #letGo(): void {
    const delta = deltaOf(this.#take());
    this.#text.push(delta);
    this.#textLength += delta.length;
    this.#count(delta.length);
  }

  #take(): Entry {
    const entry = this.#entries[this.#first] as Entry;
    this.#entries[this.#first] = '';
    this.#first++;
    this.#from++;
    this.#count(-bytesOf(entry));
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return entry;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#all) this.#all.bytes += bytes;
  }

  #wake(): void {
    for (const done of this.#waiting.splice(0)) done();
  }
}
