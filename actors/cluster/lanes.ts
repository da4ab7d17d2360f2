import type { Entry, StreamToken } from '../../link/entries.ts';
import type { PeerLink } from '../../link/peer-link.ts';
import type { Way } from './guest-link.ts';

/** So much of what connections are sent is in a link at a time; what is beyond that waits in their lanes. Bytes. */
const IN_LINK_BYTES = 4 * 1024 * 1024;
/** So much goes from one lane before it is the next one's turn. Bytes. */
const TURN_BYTES = 64 * 1024;
/** So much waits in all lanes of one link at most. Bytes. */
export const MAX_LANES_BYTES = 64 * 1024 * 1024;
/** Tokens of a turn that follow each other are joined to so much, where more than the soft limit waits. Bytes. */
const MAX_JOINED_BYTES = 64 * 1024;
/** What an entry costs besides its text. Bytes. */
const ENTRY_COST = 128;
/** From so many that have left on the array is cut. */
const COMPACT_AT = 1_024;

/** How much may wait in one lane; as for a connection's socket (`wire.md`, section 9). Bytes. */
export interface LaneLimits {
  readonly softLimitBytes: number;
  readonly cutBytes: number;
}

type Joined = { -readonly [K in keyof StreamToken]: StreamToken[K] };
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
  #bytes = 0;

  constructor(link: PeerLink) {
    this.link = link;
  }

  /** Bytes that wait in all of them. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  get hasRoom(): boolean {
    return this.link.waitingBytes < IN_LINK_BYTES;
  }

  /** @param overrun - called where it has to make room for others; never from inside a call to a lane of its own */
  lane(limits: LaneLimits, overrun: () => void): Lane {
    return new Lane(this, limits, overrun);
  }

  /** Something has arrived: there is room again. */
  drain(): void {
    while (this.hasRoom) {
      const [next] = this.#waiting;
      if (!next) return;
      this.#waiting.delete(next);
      next.leave(TURN_BYTES);
      if (!next.isEmpty) this.#waiting.add(next);
    }
  }

  /** The link is lost: nothing that waits arrives any more. */
  drop(): void {
    for (const lane of [...this.#waiting]) lane.forget();
  }

  /** Whether so much more may wait in this lane. Where all of them together have too much, the one with most makes room. */
  admits(lane: Lane, bytes: number): boolean {
    while (this.#bytes + bytes > MAX_LANES_BYTES) {
      let most = lane;
      for (const other of this.#waiting) if (other.waitingBytes > most.waitingBytes) most = other;
      if (most === lane) return false;
      most.overrun();
    }
    return true;
  }

  /** Keeps count of what waits in one of them. */
  count(lane: Lane, bytes: number): void {
    this.#bytes += bytes;
    if (lane.isEmpty) this.#waiting.delete(lane);
    else this.#waiting.add(lane);
  }
}

/** What one connection is sent over a link, in order. */
export class Lane implements Way {
  readonly #lanes: Lanes;
  readonly #limits: LaneLimits;
  readonly #overrun: () => void;
  #queue: Waiting[] = [];
  /** Where the queue begins: what is before it has left. */
  #first = 0;
  #bytes = 0;
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

  get waitingBytes(): number {
    return this.#bytes;
  }

  allow(bytes: number): void {
    this.#allowed = bytes;
  }

  hasRoomFor(text: string): boolean {
    if (this.#isFree) return true;
    const size = sizeOf(text);
    // One frame may wait, however long it is.
    const isTooMuch = !this.isEmpty && this.#bytes + size > this.#limits.cutBytes + this.#allowed;
    return !isTooMuch && this.#lanes.admits(this, size);
  }

  send(entry: Entry): boolean {
    const { link } = this.#lanes;
    if (this.#isFree) return link.send(entry);
    if (!link.isOpen) return false;
    const size = sizeOf(entry.body);
    this.#queue.push({ entry, size });
    this.#add(size);
    return true;
  }

  sendToken(token: StreamToken): boolean {
    const { link } = this.#lanes;
    if (this.#isFree) return link.sendToken(token);
    if (!link.isOpen) return false;
    const last = this.isEmpty ? undefined : this.#queue[this.#queue.length - 1];
    const size = sizeOf(token.delta);
    if (last && this.#bytes > this.#limits.softLimitBytes && 'token' in last && isJoined(last.token, token)) {
      const more = size - ENTRY_COST;
      if (last.size + more <= MAX_JOINED_BYTES) {
        last.token.delta += token.delta;
        last.token.seq = token.seq;
        last.size += more;
        this.#add(more);
        return true;
      }
    }
    this.#queue.push({ token: { ...token }, size });
    this.#add(size);
    return true;
  }

  /** Hands so much to the link, and one entry at least. */
  leave(bytes: number): void {
    const { link } = this.#lanes;
    let left = 0;
    while (!this.isEmpty && left < bytes) {
      const next = this.#queue[this.#first] as Waiting;
      this.#first += 1;
      left += next.size;
      if ('token' in next) link.sendToken(next.token);
      else link.send(next.entry);
    }
    if (this.isEmpty) {
      this.#queue = [];
      this.#first = 0;
    } else if (this.#first > COMPACT_AT && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    this.#add(-left);
    if (this.#bytes <= this.#limits.cutBytes) this.#allowed = 0;
  }

  /** Nobody wants what waits any more. */
  forget(): void {
    const bytes = this.#bytes;
    this.#queue = [];
    this.#first = 0;
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

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#lanes.count(this, bytes);
  }
}

const isJoined = (last: StreamToken, next: StreamToken): boolean =>
  last.stream === next.stream && last.seq + 1 === next.seqFrom;

const sizeOf = (text: string): number => Buffer.byteLength(text) + ENTRY_COST;
