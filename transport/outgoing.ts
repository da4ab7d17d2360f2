import type { Duplex } from 'node:stream';
import type { WaitingAudio } from '../protocol/link.ts';
import { PatientTimer } from '../protocol/patience.ts';
import type { Token } from '../protocol/token.ts';
import { encodeFrames } from './encode-frames.ts';
import {
  countedSize,
  deltaBytes,
  isDropped,
  measure,
  TOKEN_OVERHEAD,
  type Waiting,
  type WaitingPartial,
  type WaitingToken,
} from './waiting.ts';

/** How much may wait for one connection, in bytes and milliseconds (`wire.md` section 9). */
export interface OutgoingLimits {
  softLimitBytes: number;
  hardLimitBytes: number;
  hardLimitMs: number;
  cutBytes: number;
}

/** Deltas are joined up to this many bytes, as JSON writes them. */
const MAX_MERGED_BYTES = 64 * 1024;
/** Handed to the socket before it has taken what it had: enough to keep it busy, and the rest can still be merged. */
const SOCKET_BYTES = 256 * 1024;
/** Bytes that a UTF-16 unit of a delta may take on the wire: `\u0000`. */
const MAX_EXPANSION = 6;
/** So many deltas wait to be joined with those before: each `+` of two strings would keep a node of 32 bytes. */
const MAX_PARTS = 64;
/** From so many written, or dropped, entries on the array is cut. */
const COMPACT_AT = 1024;

/**
 * What one connection is still to be sent, in order. Everything due in one tick leaves in one write (law 1); what the
 * socket does not take waits here, where it is counted and can be merged, and not in the socket, where it could not.
 *
 * Sizes are bytes on the wire. To measure each text would cost more than all the rest, so while the queue is too short
 * to be near a limit, whatever its characters are, it is counted in UTF-16 units.
 */
export class Outgoing {
  /** Tokens that were merged into another, since the start. */
  mergedCount = 0;
  /** Partials that were dropped because newer ones waited behind them, since the start. */
  droppedCount = 0;
  readonly #socket: Duplex;
  readonly #limits: OutgoingLimits;
  /** The least of the limits: below it nothing needs to be known exactly. */
  readonly #leastLimit: number;
  readonly #overflow: () => void;
  readonly #isOpen: () => boolean;
  #queue: Waiting[] = [];
  /** Where the queue begins: entries before it are written. Shifting a long array would cost its length. */
  #first = 0;
  /** Deltas that belong to the last token of the queue, and are not joined with it yet. */
  #parts: string[] = [];
  /** Those that wait and may be dropped, oldest first. */
  #partials: WaitingPartial[] = [];
  /** Entries that were dropped, and still stand in the queue. */
  #dropped = 0;
  #queued = 0;
  /** Whether `#queued` is in bytes, and not in UTF-16 units. From the first need on until the queue is empty. */
  #isMeasured = false;
  #isFlushScheduled = false;
  #isStopped = false;
  #isGivenUp = false;
  /** So many bytes more than `cutBytes` may wait: see `allow`. */
  #allowed = 0;
  #hardTimer: PatientTimer | undefined;

  /**
   * `overflow` is called once, when the connection is to be given up, and from no call of the owner's. `isOpen`: whether
   * no close frame has been written yet.
   */
  constructor(socket: Duplex, limits: OutgoingLimits, overflow: () => void, isOpen: () => boolean = () => true) {
    this.#socket = socket;
    this.#limits = limits;
    this.#leastLimit = Math.min(limits.softLimitBytes, limits.hardLimitBytes, limits.cutBytes);
    this.#overflow = overflow;
    this.#isOpen = isOpen;
  }

  /** Bytes that wait to be written, here and in the socket. */
  get waitingBytes(): number {
    this.#measure();
    return this.#queued + this.#socket.writableLength;
  }

  /** Its owner is told in a moment that this connection cannot keep up. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** So many bytes come at once, on purpose: until no more than `cutBytes` wait again, that much more may. */
  allow(bytes: number): void {
    this.#allowed = bytes;
  }

  /** Queues one frame. @param counted what it counts in until it is handed to the socket. */
  push(text: string, counted?: WaitingAudio): void {
    if (this.#isStopped) return;
    this.#joinParts();
    const size = this.#isMeasured ? Buffer.byteLength(text) : text.length;
    if (counted) {
      const bytes = Buffer.byteLength(text);
      counted.bytes += bytes;
      this.#queue.push({ text, size, counted, bytes });
    } else this.#queue.push(text);
    this.#added(size);
  }

  /** Queues a token, or lets it join the one before it. */
  pushToken({ head, seq, seqFrom, delta }: Token): void {
    if (this.#isStopped) return;
    if (this.#mayBeOverLimit() && this.waitingBytes > this.#limits.softLimitBytes) {
      if (this.#merge(head, seqFrom, seq, delta)) return;
    }
    this.#joinParts();
    const size = this.#isMeasured ? deltaBytes(delta) : delta.length;
    this.#queue.push({ head, seq, seqFrom, delta, size });
    this.#added(head.length + size + TOKEN_OVERHEAD);
  }

  /** Queues a frame that makes room, oldest first, where too much waits. */
  pushPartial(text: string): void {
    if (this.#isStopped) return;
    this.#joinParts();
    const partial = { text, size: this.#isMeasured ? Buffer.byteLength(text) : text.length };
    this.#queue.push(partial);
    this.#partials.push(partial);
    this.#added(partial.size);
  }

  /** Queues one binary frame. @param counted what it counts in until it is handed to the socket. */
  pushBinary(data: Uint8Array, counted?: WaitingAudio): void {
    if (this.#isStopped) return;
    this.#joinParts();
    if (counted) counted.bytes += data.length;
    this.#queue.push(counted ? { data, counted, bytes: data.length } : data);
    this.#added(data.length);
  }

  /** Hands everything that waits to the socket, whatever it has to take: the close frame comes after it. */
  finish(): void {
    while (!this.#isStopped && this.#first < this.#queue.length) this.#write(SOCKET_BYTES);
    this.stop();
  }

  /** Forgets everything that waits. */
  stop(): void {
    this.#isStopped = true;
    this.#queue = [];
    this.#parts = [];
    this.#partials = [];
    this.#first = 0;
    this.#dropped = 0;
    this.#queued = 0;
    this.#disarm();
  }

  /** Joins the last one waiting, if that is this turn's token just before it. Only while measured. */
  #merge(head: string, seqFrom: number, seq: number, delta: string): boolean {
    const last = this.#queue.length > this.#first ? this.#queue[this.#queue.length - 1] : undefined;
    if (typeof last !== 'object' || !('head' in last) || last.head !== head || last.seq + 1 !== seqFrom) return false;
    const size = deltaBytes(delta);
    if (last.size + size > MAX_MERGED_BYTES) return false;
    this.#parts.push(delta);
    if (this.#parts.length >= MAX_PARTS) this.#joinParts();
    last.size += size;
    last.seq = seq;
    this.mergedCount += 1;
    this.#added(size);
    return true;
  }

  /** Makes one flat string of what the last token holds. */
  #joinParts(): void {
    if (this.#parts.length === 0) return;
    const last = this.#queue[this.#queue.length - 1] as WaitingToken;
    last.delta = [last.delta, ...this.#parts].join('');
    this.#parts = [];
  }

  #added(size: number): void {
    this.#queued += size;
    if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      process.nextTick(() => {
        this.#isFlushScheduled = false;
        this.#flush();
      });
    }
    if (this.#partials.length > 0) this.#dropPartials();
    if (this.#mayBeOverLimit()) this.#watch();
  }

  /** Over the soft limit the oldest partials go, whichever stream they are of. */
  #dropPartials(): void {
    while (this.#partials.length > 0 && this.#mayBeOverLimit() && this.waitingBytes > this.#limits.softLimitBytes) {
      // One that is too much all by itself: its reader is not slow.
      if (this.#partials.length === 1 && this.waitingBytes - (this.#partials[0]?.size ?? 0) <= SOCKET_BYTES) break;
      const oldest = this.#partials.shift() as WaitingPartial;
      this.#queued -= oldest.size;
      oldest.size = 0;
      oldest.text = undefined;
      this.#dropped += 1;
      this.droppedCount += 1;
    }
    // Who does not read and is told much would otherwise have them kept for ever: nothing of them counts any more.
    if (this.#dropped <= COMPACT_AT || this.#dropped * 2 <= this.#queue.length - this.#first) return;
    this.#queue = this.#queue.filter((entry, at) => at >= this.#first && !isDropped(entry));
    this.#first = 0;
    this.#dropped = 0;
  }

  #flush(): void {
    if (this.#isStopped || this.#queue.length === this.#first) return;
    if (!this.#isOpen()) {
      // The close frame is out: after it nothing may be sent any more (RFC 6455, section 5.5.1).
      this.stop();
      return;
    }
    const room = SOCKET_BYTES - this.#socket.writableLength;
    if (room > 0) this.#write(room);
  }

  /** Writes what fits into `room` bytes, and one frame at least. */
  #write(room: number): void {
    this.#joinParts();
    const from = this.#first;
    const queue = this.#queue;
    let to = from;
    let size = 0;
    while (to < queue.length && size < room) {
      const entry = queue[to] as Waiting;
      size += countedSize(entry, this.#isMeasured);
      if (isDropped(entry)) this.#dropped -= 1;
      else if (typeof entry === 'object' && 'counted' in entry) {
        entry.counted.bytes -= entry.bytes;
        entry.counted.written?.();
      }
      to += 1;
    }
    const bytes = encodeFrames(queue, from, to);
    this.#queued -= size;
    if (this.#partials.length > 0) this.#forgetPartials(queue, from, to);
    if (to === queue.length) {
      this.#queue = [];
      this.#first = 0;
      this.#isMeasured = false;
    } else if (to > COMPACT_AT && to * 2 > queue.length) {
      this.#queue = queue.slice(to);
      this.#first = 0;
    } else {
      // Let go of what is written even while the array stays.
      queue.fill('', from, to);
      this.#first = to;
    }
    this.#socket.write(bytes, this.#written);
  }

  /** What is written cannot be dropped any more. */
  #forgetPartials(queue: readonly Waiting[], from: number, to: number): void {
    let count = 0;
    for (let at = from; at < to; at += 1) if (queue[at] === this.#partials[count]) count += 1;
    this.#partials.splice(0, count);
  }

  /**
   * The socket has taken a write. Not its `drain`: that comes only where a write filled it to its own high-water mark,
   * which may be more than is ever handed to it here.
   */
  readonly #written = (error?: Error | null): void => {
    if (error) {
      // Its `close` follows; until then nothing more is taken.
      this.stop();
      return;
    }
    this.#flush();
    // Not as soon as the queue is empty: a frame that large waits in the socket.
    if (this.#allowed > 0 && this.waitingBytes <= this.#limits.cutBytes) this.#allowed = 0;
    if (this.#hardTimer && this.waitingBytes <= this.#limits.hardLimitBytes) this.#disarm();
  };

  #watch(): void {
    const waiting = this.waitingBytes;
    if (waiting > this.#limits.cutBytes + this.#allowed) this.#giveUp();
    else if (!this.#hardTimer && waiting > this.#limits.hardLimitBytes) {
      this.#hardTimer = new PatientTimer(() => this.#giveUp(), this.#limits.hardLimitMs);
    }
  }

  #disarm(): void {
    this.#hardTimer?.stop();
    this.#hardTimer = undefined;
  }

  #giveUp(): void {
    if (this.#isStopped) return;
    this.#isGivenUp = true;
    this.stop();
    // Not from inside `push`: whoever pushes is in the middle of something.
    process.nextTick(this.#overflow);
  }

  /** False: certainly below every limit. Cheap, for it is asked twice for each token. */
  #mayBeOverLimit(): boolean {
    const most = this.#isMeasured ? this.#queued : this.#queued * MAX_EXPANSION;
    return most + this.#socket.writableLength > this.#leastLimit;
  }

  /** Counts the queue anew, in bytes. */
  #measure(): void {
    if (this.#isMeasured || this.#isStopped) return;
    this.#isMeasured = true;
    this.#queued = 0;
    for (let at = this.#first; at < this.#queue.length; at += 1) {
      const entry = this.#queue[at] as Waiting;
      if (typeof entry !== 'string') measure(entry);
      this.#queued += countedSize(entry, true);
    }
  }
}
