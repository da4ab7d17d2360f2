import type { LinkLoss } from '../machines/peer-link.machine.ts';
import { BatchSchedule } from './batch-schedule.ts';
import type { LinkClock } from './clock.ts';
import type { Entry, EntryHandlers, Manner, StreamToken } from './entries.ts';
import { EntryReader } from './entry-reader.ts';
import { EntryWriter } from './entry-writer.ts';
import { AGAIN, type FrameHead, FrameKind, type FrameKindCode, headBytes, writeHead } from './frame.ts';
import { Patience } from './patience.ts';
import { ReceiveWindow, SendWindow } from './windows.ts';

/** The most bytes that wait for a peer's acknowledgement, of what nobody else bounds; one entry may carry it over. */
export const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** The longest that a batch waits for it, and that a peer may be out of reach. Milliseconds. */
export const MAX_SILENCE_MS = 10_000;
/** So many batches are acknowledged at once. */
export const ACK_BATCHES = 64;
/** And so many bytes: whoever sends much waits for that. */
export const ACK_BYTES = 256 * 1024;
/** A batch is acknowledged after so long at the latest. Milliseconds. */
export const ACK_MS = 50;
/** What was not acknowledged is looked at so often. Milliseconds. */
const CHECK_MS = 250;
/** The longest time between two attempts with the oldest batch. Milliseconds. */
const MAX_PROBE_MS = 2_000;
/** A link in which nothing was acknowledged for so long is stalled. Milliseconds. */
export const STALL_MS = 1_000;

/** The two halves of a link's epoch. */
export interface Halves {
  readonly ours: number;
  readonly theirs: number;
}

/** What was sent to a peer: batches, each once however often it went, and tokens in them. */
export interface LinkCounts {
  batches: number;
  tokens: number;
}

/** What a {@link Flow} is made of. */
export interface FlowOptions extends Halves {
  /** The name of this broker. */
  readonly from: string;
  readonly clock: LinkClock;
  readonly flushMs: number;
  readonly maxEntryBytes: number;
  /** Counts what is sent, over all links with this peer. */
  readonly counts: LinkCounts;
  /** Hands a frame to the carrier; false where that takes none. */
  readonly transmit: (frame: Buffer) => boolean;
}

/** What a {@link Flow} tells. Never from inside a call that writes to it. */
export interface FlowHandlers extends EntryHandlers {
  /** It is over, and says nothing more. */
  failed(why: LinkLoss): void;
  stalled(): void;
  flowing(): void;
  /** Some of what was sent has arrived. */
  acknowledged(): void;
}

/**
 * What goes to and fro on one link while it lasts: entries are gathered to batches, numbered and kept until they are
 * acknowledged; what arrives is told once and in order. Go-back-N: what is lost is sent again from there on. Nothing here
 * is a step of a chart.
 */
export class Flow {
  readonly halves: Halves;
  readonly #options: FlowOptions;
  readonly #handlers: FlowHandlers;
  readonly #writer: EntryWriter;
  readonly #reader: EntryReader;
  readonly #schedule: BatchSchedule;
  readonly #patience = new Patience();
  readonly #sent = new SendWindow();
  readonly #received = new ReceiveWindow();
  #isOver = false;
  #isStalled = false;
  #ackTimer: unknown;
  #isAckDue = false;
  /** What the peer is asked to send again, until it comes. */
  #isAsking = false;
  #checkTimer: unknown;
  #probeMs = CHECK_MS;
  #probeAt = 0;
  /** When something was acknowledged last, or began to wait for it. */
  #progressAt = 0;
  /** The oldest batch was tried again, and that was not answered. */
  #isRecovering = false;
  /** Since when there has been no way to the peer. */
  #awaySince: number | undefined;
  #wentBackAt = Number.NEGATIVE_INFINITY;

  constructor(options: FlowOptions, handlers: FlowHandlers) {
    this.halves = { ours: options.ours, theirs: options.theirs };
    this.#options = options;
    const flush = () => this.flush();
    this.#schedule = new BatchSchedule(options.clock, options.flushMs, flush);
    this.#handlers = handlers;
    this.#writer = new EntryWriter(headBytes(options.from), flush);
    this.#reader = new EntryReader(options.maxEntryBytes, handlers);
  }

  /** Bytes that were sent and not acknowledged, of what nobody else bounds. */
  get waitingBytes(): number {
    return this.#sent.bytes - this.#sent.boundedBytes;
  }

  /** How much of them whoever has written it bounds. */
  get boundedBytes(): number {
    return this.#sent.boundedBytes;
  }

  token(token: StreamToken, isBounded: boolean): void {
    if (!this.#hasRoom(isBounded)) return;
    this.#options.counts.tokens += 1;
    this.#writer.isBounded = isBounded;
    this.#writer.token(token);
    this.#written('soon');
  }

  entry(entry: Entry, manner: Manner | undefined): void {
    const isBounded = manner === 'bounded';
    if (!this.#hasRoom(isBounded)) return;
    this.#writer.isBounded = isBounded;
    this.#writer.entry(entry);
    this.#written(manner === 'news' ? 'later' : 'soon');
  }

  #written(when: 'soon' | 'later'): void {
    // What has filled a batch has left with it.
    if (!this.#writer.isEmpty) this.#schedule.due(when);
  }

  /** Sends what was written, now. */
  flush(): void {
    this.#schedule.clear();
    if (this.#isOver || this.#writer.isEmpty) return;
    const { bounded } = this.#writer;
    const batch = this.#writer.take();
    writeHead(batch, this.#head(FrameKind.batch));
    const now = this.#options.clock.now();
    this.#schedule.left(now);
    if (this.#sent.isEmpty) {
      this.#progressAt = now;
      this.#resetProbe(now);
    }
    this.#sent.add(batch, now, bounded);
    this.#options.counts.batches += 1;
    this.pump();
    this.#watch(now);
  }

  /** Hands over whatever is due and the carrier takes. */
  pump(): void {
    if (this.#isOver) return;
    this.#sent.handOver(this.#received.last, (frame) => {
      if (!this.#options.transmit(frame)) return false;
      this.#received.settle();
      return true;
    });
  }

  /** The carrier has room again. */
  writable(): void {
    this.pump();
    if (this.#received.owed > 0) this.#oweAck();
  }

  /** There is a way again: what was handed over before may be gone. */
  reachable(): void {
    if (this.#isOver) return;
    this.#awaySince = undefined;
    this.#sent.goBack();
    this.#resetProbe(this.#options.clock.now());
    this.pump();
    this.#setStalled(false);
  }

  unreachable(): void {
    const now = this.#options.clock.now();
    this.#awaySince ??= now;
    this.#setStalled(true);
    this.#watch(now);
  }

  /** Says that it is alive, and what has arrived. */
  acknowledge(flags = 0): void {
    if (this.#isOver) return;
    const frame = Buffer.allocUnsafe(headBytes(this.#options.from));
    writeHead(frame, { ...this.#head(FrameKind.ack), flags });
    if (this.#options.transmit(frame)) this.#received.settle();
  }

  /** A batch or an acknowledgement of this link has come. */
  take(head: FrameHead, frame: Buffer): void {
    if (this.#isOver) return;
    const count = this.#sent.acknowledge(head.ack);
    if (count === false) {
      this.#fail('malformed');
      return;
    }
    if (count > 0) {
      this.#progressed(count);
      // Before what this batch brings has answers.
      this.#handlers.acknowledged();
      if (this.#isOver) return;
    }
    if ((head.flags & AGAIN) !== 0) this.#goBack();
    if (head.kind === FrameKind.batch) this.#takeBatch(head, frame);
  }

  /** Nothing more is sent, told or kept. */
  end(): void {
    this.#isOver = true;
    const { clock } = this.#options;
    this.#schedule.clear();
    for (const timer of [this.#ackTimer, this.#checkTimer]) clock.clearTimeout(timer);
  }

  /** Looked at before an entry: a long one is never given up in its middle. */
  #hasRoom(isBounded: boolean): boolean {
    if (!this.#isOver && !isBounded && this.waitingBytes > MAX_HELD_BYTES) this.#fail('overrun');
    return !this.#isOver;
  }

  #takeBatch(head: FrameHead, frame: Buffer): void {
    const arrived = this.#received.take(head.lseq, frame.length);
    if (arrived === 'gap') {
      if (!this.#isAsking) this.#ackSoon();
      this.#isAsking = true;
      return;
    }
    // The other end has not heard that it has arrived.
    if (arrived === 'again') {
      this.#ackSoon();
      return;
    }
    this.#isAsking = false;
    this.#oweAck();
    if (!this.#reader.read(frame, head.bodyAt, () => !this.#isOver)) this.#fail('malformed');
  }

  #oweAck(): void {
    if (this.#received.owed >= ACK_BATCHES || this.#received.owedBytes >= ACK_BYTES) this.acknowledge();
    if (this.#received.owed === 0) return;
    this.#ackTimer ??= this.#options.clock.setTimeout(() => {
      this.#ackTimer = undefined;
      if (this.#received.owed > 0) this.acknowledge();
    }, ACK_MS);
  }

  /** At the end of the tick: many that came twice are answered once. */
  #ackSoon(): void {
    if (this.#isAckDue) return;
    this.#isAckDue = true;
    this.#options.clock.nextTick(() => {
      this.#isAckDue = false;
      this.acknowledge(this.#isAsking ? AGAIN : 0);
      // What was asked for may be lost as well: whatever else is too early asks again.
      this.#isAsking = false;
    });
  }

  #progressed(count: number): void {
    const now = this.#options.clock.now();
    this.#progressAt = now;
    this.#resetProbe(now);
    // Nothing but what was tried again: what followed it was lost, too. More: it was on its way all the time.
    if (this.#isRecovering && count === 1) {
      this.#sent.goBack();
      this.pump();
    }
    this.#isRecovering = false;
    this.#setStalled(false);
  }

  #goBack(): void {
    const now = this.#options.clock.now();
    // Asked twice for the same: it is on its way. If that is lost too, the next probe sees to it.
    if (now - this.#wentBackAt < ACK_MS && this.#progressAt <= this.#wentBackAt) return;
    this.#wentBackAt = now;
    this.#sent.goBack();
    this.pump();
  }

  #resetProbe(now: number): void {
    this.#probeMs = CHECK_MS;
    this.#probeAt = now + CHECK_MS;
  }

  /** Looks after what waits for its acknowledgement, and after a peer that has gone. */
  #watch(now: number): void {
    const isNeeded = !this.#sent.isEmpty || this.#awaySince !== undefined;
    if (this.#isOver || this.#checkTimer !== undefined || !isNeeded) return;
    const due = now + CHECK_MS;
    this.#checkTimer = this.#options.clock.setTimeout(() => {
      this.#checkTimer = undefined;
      const then = this.#options.clock.now();
      this.#patience.ran(due, then);
      this.#check(then);
      this.#watch(then);
    }, CHECK_MS);
  }

  #check(now: number): void {
    if (this.#isOver) return;
    const { oldestAt } = this.#sent;
    if (this.#patience.mayJudge(now)) {
      const since = Math.min(oldestAt ?? now, this.#awaySince ?? now);
      if (now - since >= MAX_SILENCE_MS) {
        this.#fail('silent');
        return;
      }
      if (oldestAt !== undefined && now - this.#progressAt >= STALL_MS) this.#setStalled(true);
    }
    if (oldestAt === undefined || now < this.#probeAt) return;
    this.#probeMs = Math.min(this.#probeMs * 2, MAX_PROBE_MS);
    this.#probeAt = now + this.#probeMs;
    this.#isRecovering = true;
    this.#sent.probe(this.#received.last, this.#options.transmit);
  }

  #setStalled(isStalled: boolean): void {
    if (this.#isOver || this.#isStalled === isStalled) return;
    this.#isStalled = isStalled;
    if (isStalled) this.#handlers.stalled();
    else this.#handlers.flowing();
  }

  /** Ends at once, and tells so a moment later: whoever writes is in the middle of something. */
  #fail(why: LinkLoss): void {
    this.end();
    this.#options.clock.nextTick(() => this.#handlers.failed(why));
  }

  #head(kind: FrameKindCode): Omit<FrameHead, 'bodyAt'> {
    const { from } = this.#options;
    return { kind, flags: 0, ...this.halves, lseq: 0, ack: this.#received.last, from };
  }
}
