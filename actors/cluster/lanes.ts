import type { Entry, StreamToken } from '../../link/entries.ts';
import type { PeerLink } from '../../link/peer-link.ts';

/** So much of what connections are sent is in a link at a time; what is beyond that waits in their lanes. A flood of tokens stays below. Bytes. */
const IN_LINK_BYTES = 6 * 1024 * 1024;
/** So much goes from one lane before it is the next one's turn. Bytes. */
const TURN_BYTES = 64 * 1024;
/** So much waits in all lanes of one link at most; where it is more, those with most end until an eighth of that is free. Bytes. */
export const MAX_LANES_BYTES = 64 * 1024 * 1024;
const LESS_BYTES = (MAX_LANES_BYTES / 8) * 7;
/** Tokens of a turn that follow each other are joined to so much, where more than the soft limit waits. Bytes. */
const MAX_JOINED_BYTES = 64 * 1024;
/** What an entry costs besides its text, and what a delta that is joined with others does. Bytes. */
const ENTRY_COST = 128;
const PART_COST = 32;
/** From so many that have left on the array is cut. */
const COMPACT_AT = 1_024;

/** How much may wait in one lane; as for a connection's socket (`wire.md`, section 9). Bytes. */
export interface LaneLimits {
  readonly softLimitBytes: number;
  readonly cutBytes: number;
}

/** A token whose delta is not put together yet: each `+` of two strings would keep a node of its own. */
interface Joined {
  readonly stream: number;
  readonly seqFrom: number;
  seq: number;
  readonly deltas: string[];
}

type Waiting = { readonly entry: Entry; readonly size: number } | { readonly token: Joined; size: number };

/**
 * Each connection that has something at another broker has a lane of its own in the link with that. While the link has room
 * they are not used. Where it has none each waits for itself and they go on in turns: whoever is sent much keeps nobody else
 * waiting for long, and ends nobody but itself.
 */
export class Lanes {
  readonly link: PeerLink;
  /** Those in which something waits: whose turn is next comes first. */
  readonly #waiting = new Set<Lane>();
  /** Those that may have more waiting than others, for now. */
  readonly #allowed = new Set<Lane>();
  #bytes = 0;

  constructor(link: PeerLink) {
    this.link = link;
  }

  /** Bytes that wait in all of them. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  get hasRoom(): boolean {
    return this.link.boundedBytes < IN_LINK_BYTES;
  }

  /** @param overrun - called while another lane is written to: this one has most waiting, and what waited is forgotten */
  lane(limits: LaneLimits, overrun: () => void): Lane {
    return new Lane(this, limits, overrun);
  }

  /** Something has arrived: there is room again. */
  drain(): void {
    while (this.hasRoom && this.#next()?.leave(TURN_BYTES)) {}
    for (const lane of this.#allowed) if (lane.endAllowance()) this.#allowed.delete(lane);
  }

  /** Hands everything that waits to the link, whatever it has to take: it is about to be closed. */
  finish(): void {
    while (this.#next()?.leave(Number.POSITIVE_INFINITY)) {}
  }

  /** The link is lost: nothing that waits arrives any more. */
  drop(): void {
    for (const lane of [...this.#waiting]) lane.forget();
  }

  /** Whether so much more may wait in this lane. Where all of them together have too much, those with most make room. */
  admits(lane: Lane, bytes: number): boolean {
    if (this.#bytes + bytes <= MAX_LANES_BYTES) return true;
    if (bytes > MAX_LANES_BYTES) return false;
    const own = lane.waitingBytes + bytes;
    const larger = [...this.#waiting].filter((other) => other !== lane && other.waitingBytes > own);
    larger.sort((one, other) => other.waitingBytes - one.waitingBytes);
    for (const other of larger) {
      if (this.#bytes + bytes <= LESS_BYTES) break;
      other.overrun();
    }
    return this.#bytes + bytes <= MAX_LANES_BYTES;
  }

  /** That lane may have more waiting than others, until that is no more than others may have. */
  allow(lane: Lane): void {
    this.#allowed.add(lane);
  }

  /** Keeps count of what waits in one of them. */
  count(lane: Lane, bytes: number): void {
    this.#bytes += bytes;
    if (lane.isEmpty) this.#waiting.delete(lane);
    else this.#waiting.add(lane);
  }

  /** Whose turn it is; it comes behind the others then. */
  #next(): Lane | undefined {
    const [next] = this.#waiting;
    if (next) this.#waiting.delete(next);
    return next;
  }
}

/** The way of one connection to another broker: what it is sent over the link with that, or says there, in order. */
export class Lane {
  readonly #lanes: Lanes;
  readonly #limits: LaneLimits;
  readonly #overrun: () => void;
  /** Those that have left are let go of, and stand for a while. */
  #queue: (Waiting | undefined)[] = [];
  /** Where the queue begins: what is before it has left. */
  #first = 0;
  #bytes = 0;
  /** What it may send in its turn; less than nothing where it has sent more than that. Bytes. */
  #credit = 0;
  /** So many bytes more than `cutBytes` may wait, until no more than that do. */
  #allowed = 0;

  constructor(lanes: Lanes, limits: LaneLimits, overrun: () => void) {
    this.#lanes = lanes;
    this.#limits = limits;
    this.#overrun = overrun;
  }

  get peer(): string {
    return this.#lanes.link.peer;
  }

  get isEmpty(): boolean {
    return this.#first === this.#queue.length;
  }

  /** Bytes that wait for the link to have room. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** So many bytes come at once, on purpose: that much more may wait, until it has left. */
  allow(bytes: number): void {
    this.#allowed = bytes;
    this.#lanes.allow(this);
  }

  /** @returns whether what was allowed counts no more */
  endAllowance(): boolean {
    if (this.#bytes <= this.#limits.cutBytes) this.#allowed = 0;
    return this.#allowed === 0;
  }

  /** Whether a text may be sent: else whoever it is for cannot keep up. Others may have to make room for it. */
  hasRoomFor(text: string): boolean {
    if (this.#isFree) return true;
    const size = sizeOf(text);
    // One frame may wait, however long it is.
    const isTooMuch = !this.isEmpty && this.#bytes + size > this.#limits.cutBytes + this.#allowed;
    return !isTooMuch && this.#lanes.admits(this, size);
  }

  /** @returns false where there is no link */
  send(entry: Entry): boolean {
    const { link } = this.#lanes;
    if (this.#isFree) return link.send(entry, 'bounded');
    if (!link.isOpen) return false;
    const size = sizeOf(entry.body);
    this.#queue.push({ entry, size });
    this.#add(size);
    return true;
  }

  /** @returns false where there is no link */
  sendToken(token: StreamToken): boolean {
    const { link } = this.#lanes;
    if (this.#isFree) return link.sendToken(token, true);
    if (!link.isOpen) return false;
    const { stream, seq, seqFrom, delta } = token;
    const size = sizeOf(delta);
    if (this.#bytes > this.#limits.softLimitBytes && this.#join(token, size - ENTRY_COST + PART_COST)) return true;
    this.#queue.push({ token: { stream, seq, seqFrom, deltas: [delta] }, size });
    this.#add(size);
    return true;
  }

  /** Hands so much to the link. Of a longer entry that is more, and it waits for as long afterwards. @returns true */
  leave(bytes: number): true {
    const { link } = this.#lanes;
    this.#credit = Math.min(this.#credit, 0) + bytes;
    let left = 0;
    while (!this.isEmpty && left < this.#credit) {
      const next = this.#queue[this.#first] as Waiting;
      this.#queue[this.#first] = undefined;
      this.#first += 1;
      left += next.size;
      if ('entry' in next) link.send(next.entry, 'bounded');
      else {
        const { deltas, ...token } = next.token;
        link.sendToken({ ...token, delta: deltas.join('') }, true);
      }
    }
    this.#credit -= left;
    if (this.isEmpty) {
      this.#queue = [];
      this.#first = 0;
      this.#credit = 0;
    } else if (this.#first > COMPACT_AT && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    this.#add(-left);
    return true;
  }

  /** Nobody wants what waits any more. */
  forget(): void {
    const bytes = this.#bytes;
    this.#queue = [];
    this.#first = 0;
    this.#credit = 0;
    this.#allowed = 0;
    this.#add(-bytes);
  }

  /** Others have less waiting, and all together too much. */
  overrun(): void {
    this.forget();
    this.#overrun();
  }

  get #isFree(): boolean {
    return this.isEmpty && this.#lanes.hasRoom;
  }

  /** Joins a token with the one before it, if that is of the same turn. @param more - bytes that it takes then */
  #join({ stream, seq, seqFrom, delta }: StreamToken, more: number): boolean {
    const last = this.isEmpty ? undefined : this.#queue[this.#queue.length - 1];
    if (!last || 'entry' in last || last.token.stream !== stream || last.token.seq + 1 !== seqFrom) return false;
    if (last.size + more > MAX_JOINED_BYTES) return false;
    last.token.deltas.push(delta);
    last.token.seq = seq;
    last.size += more;
    this.#add(more);
    return true;
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#lanes.count(this, bytes);
  }
}

const sizeOf = (text: string): number => Buffer.byteLength(text) + ENTRY_COST;
