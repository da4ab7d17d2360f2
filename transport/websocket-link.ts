import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { ClientCertificate } from '../protocol/client-certificate.ts';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link, LinkHandlers, WaitingAudio } from '../protocol/link.ts';
import { isAgentPrincipal, isSamePrincipal, LOCAL, type Principal, principalKey } from '../protocol/principal.ts';
import type { Token } from '../protocol/token.ts';
import { FrameMeter } from './frame-meter.ts';
import { Outgoing, type OutgoingLimits } from './outgoing.ts';
import type { TurnShare, Whose } from './turn-share.ts';
import type { Holder, UnfinishedMessages } from './unfinished.ts';

/** How long the peer gets to answer a close frame before the socket is cut. */
const CLOSE_TIMEOUT_MS = 2_000;

/** What ws calls a message beyond `maxPayload`, and a frame whose length is no safe integer. */
const TOO_BIG: ReadonlySet<unknown> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
]);

/** What bounds one connection's bytes, and who hears of it. */
export interface LinkOptions {
  outgoing: OutgoingLimits;
  /** Bytes that it may send in all before it is admitted. */
  maxUnauthenticatedBytes: number;
  unfinished: UnfinishedMessages;
  turns: TurnShare;
  /** Its client has authenticated, or need not. */
  onAdmitted(link: WebSocketLink): void;
}

/** A message that has arrived whole, and waits for its turn. */
interface Arrived {
  bytes: Buffer;
  isBinary: boolean;
}

/** One accepted WebSocket as a {@link Link}. */
export class WebSocketLink implements Link, Holder {
  readonly kind: Link['kind'];
  readonly remote: string | undefined;
  readonly certificate: ClientCertificate | undefined;
  /** When the peer was last heard, in the milliseconds of `performance.now()`: any frame counts, a pong too. */
  lastHeardAt = performance.now();
  readonly #ws: WebSocket;
  readonly #options: LinkOptions;
  readonly #outgoing: Outgoing;
  readonly #meter = new FrameMeter();
  #isAdmitted = false;
  /** With whom it shares its part of a turn of the event loop. */
  #whose: Whose = this;
  /** Bytes that came before it was admitted. */
  #strangeBytes = 0;
  #isHolding = false;
  /** Messages for the next turn, in order: at most what one read has brought, for nothing is read meanwhile. */
  #behind: Arrived[] = [];
  /** Its owner wants nothing read: what is there already waits as well. */
  #isPaused = false;
  /** It will be called to work off what is behind. */
  #isScheduled = false;
  /** This end has closed, or cut it: nothing that is left is looked at. */
  #isOver = false;
  /** What the peer has closed with while messages were left. */
  #endCode: number | undefined;
  /** ws has found a fault, and throws away what still comes. */
  #isBroken = false;
  #handlers: LinkHandlers | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  /** What this end has closed with: the peer's answer may be another code, or never come. */
  #ownCode: number | undefined;

  constructor(
    ws: WebSocket,
    socket: Duplex,
    kind: Link['kind'],
    options: LinkOptions,
    certificate?: ClientCertificate | undefined,
  ) {
    this.#ws = ws;
    this.remote = 'remoteAddress' in socket ? (socket as Socket).remoteAddress : undefined;
    this.certificate = certificate;
    this.#options = options;
    this.kind = kind;
    const overflow = () => {
      // `closed` is the last that handlers hear.
      if (ws.readyState !== ws.CLOSED) this.#handlers?.overrun?.();
    };
    // A close of the peer's, and a frame that is none, ws answers with a close frame by itself, at once.
    this.#outgoing = new Outgoing(socket, options.outgoing, overflow, () => ws.readyState === ws.OPEN);
    // A frame that breaks the standard, or is too big. ws closes, or has, with the code that fits (1009, 1007, 1002), and
    // that code is counted: nothing to add.
    ws.on('error', (error) => {
      this.#isBroken = true;
      if ('code' in error && TOO_BIG.has(error.code)) this.#ownCode ??= CloseCode.TooBig;
    });
    if ('setNoDelay' in socket) (socket as Socket).setNoDelay(true);
    // Behind the listener of ws: what has arrived whole is worked off by then.
    socket.on('data', (chunk: Buffer) => this.#count(chunk));
    ws.once('close', () => options.unfinished.delete(this));
  }

  get isStranger(): boolean {
    return !this.#isAdmitted || this.#ws.readyState !== this.#ws.OPEN;
  }

  admit(who: Principal): void {
    // One person on one machine: each of their windows has a part of its own. An agent has no more than one connection, which
    // is bounded as one, by the share.
    this.#whose = isSamePrincipal(who, LOCAL) || isAgentPrincipal(who) ? this : principalKey(who);
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    this.#options.onAdmitted(this);
  }

  get waitingBytes(): number {
    return this.#outgoing.waitingBytes;
  }

  get isGivenUp(): boolean {
    return this.#ws.readyState !== this.#ws.OPEN || this.#outgoing.isGivenUp;
  }

  /** Tokens that were merged into another because they waited, since it opened. */
  get mergedCount(): number {
    return this.#outgoing.mergedCount;
  }

  /** Partials that were dropped because they waited, since it opened. */
  get droppedCount(): number {
    return this.#outgoing.droppedCount;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    const ws = this.#ws;
    ws.on('message', (data: RawData, isBinary: boolean) => {
      this.lastHeardAt = performance.now();
      // The default binaryType hands over one Buffer.
      const bytes = data as Buffer;
      if (this.#behind.length > 0 || this.#isPaused) this.#behind.push({ bytes, isBinary });
      else if (this.#options.turns.isUsedUp(this.lastHeardAt, this.#whose)) this.#defer({ bytes, isBinary });
      // Closing: what still comes is not even read.
      else if (ws.readyState !== ws.OPEN) handlers.unread?.();
      else this.#handle(bytes, isBinary);
    });
    const heard = () => {
      this.lastHeardAt = performance.now();
    };
    ws.on('pong', heard);
    ws.on('ping', heard);
    ws.once('close', (code) => {
      clearTimeout(this.#closeTimer);
      this.#outgoing.stop();
      if (this.#behind.length === 0) {
        handlers.closed(this.#ownCode ?? code);
        return;
      }
      // What came before still counts, and nobody is there to wait.
      this.#endCode = code;
      this.#isPaused = false;
      this.#schedule();
    });
  }

  #handle(bytes: Buffer, isBinary: boolean): void {
    if (this.#isOver || this.#outgoing.isGivenUp) this.#handlers?.unread?.();
    else if (isBinary) this.#handlers?.binary(bytes);
    else this.#handlers?.text(bytes.toString(), bytes.length);
  }

  #defer(message: Arrived): void {
    this.#behind.push(message);
    this.#ws.pause();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.turns.later(() => {
      this.#isScheduled = false;
      const hasMore = this.#workOff() && !this.#isScheduled;
      if (hasMore) this.#isScheduled = true;
      return hasMore;
    }, this.#whose);
  }

  /** The first of those that are left. What came before the peer's close counts, as it does without having to wait. */
  #workOff(): boolean {
    // It was paused since: it is called again when it is not any more.
    if (this.#isPaused) return false;
    const { bytes, isBinary } = this.#behind.shift() as Arrived;
    this.#handle(bytes, isBinary);
    if (this.#behind.length > 0) return !this.#isPaused;
    if (this.#endCode !== undefined) this.#handlers?.closed(this.#ownCode ?? this.#endCode);
    else {
      this.#judge();
      if (!this.#isPaused) this.#read();
    }
    return false;
  }

  /** Cut at once: only then does ws let go of what it holds. The peer is told where it still listens. */
  giveUp(): void {
    this.close(CloseCode.RateLimited, closeReason(CloseCode.RateLimited));
    setImmediate(() => this.terminate());
  }

  /** What came just now: who may not send that much is closed, and what is unfinished is counted. */
  #count(chunk: Buffer): void {
    if (this.#isBroken) return;
    if (!this.#isAdmitted) this.#strangeBytes += chunk.length;
    const hasEnded = this.#meter.take(chunk);
    // What is left of it may be its authentication.
    if (this.#behind.length === 0) this.#judge(hasEnded);
    else this.#hold(hasEnded);
  }

  /** Who may not send as much as has come, is closed. */
  #judge(hasEnded = false): void {
    if (!this.#isAdmitted && this.#strangeBytes > this.#options.maxUnauthenticatedBytes) {
      this.close(CloseCode.NotAuthenticated, closeReason(CloseCode.NotAuthenticated));
      // What it goes on to send fills its own buffers.
      this.#ws.pause();
    }
    this.#hold(hasEnded);
  }

  /** Counts what is not worked off. */
  #hold(hasEnded: boolean): void {
    const left = this.#behind.reduce((sum, { bytes }) => sum + bytes.length, this.#meter.unfinished);
    if (left > 0) {
      this.#isHolding = true;
      this.#options.unfinished.set(this, left, hasEnded);
    } else if (this.#isHolding) {
      this.#isHolding = false;
      this.#options.unfinished.delete(this);
    }
  }

  /** Nothing is read of it, so that it cannot be heard. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    // The peer has gone: what it has sent before is all that there is.
    if (this.#endCode !== undefined) return;
    this.#isPaused = true;
    this.#ws.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.lastHeardAt = performance.now();
    if (this.#behind.length === 0) this.#read();
    else this.#schedule();
  }

  /** Who was closed for what it sent stays unread. */
  #read(): void {
    if (this.#ownCode !== CloseCode.RateLimited && this.#ownCode !== CloseCode.NotAuthenticated) this.#ws.resume();
  }

  allow(bytes: number): void {
    this.#outgoing.allow(bytes);
  }

  send(text: string, counted?: WaitingAudio): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#outgoing.push(text, counted);
  }

  sendToken(token: Token): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#outgoing.pushToken(token);
  }

  sendPartial(text: string): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#outgoing.pushPartial(text);
  }

  sendBinary(data: Uint8Array, counted?: WaitingAudio): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#outgoing.pushBinary(data, counted);
  }

  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  close(code: number, reason: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ownCode ??= code;
    this.#isOver = true;
    this.#outgoing.finish();
    this.#ws.close(code, reason);
    // Who floods goes on while the close is under way: not read any more, it fills its own buffers instead of our time.
    if (code === CloseCode.RateLimited) this.#ws.pause();
    this.#closeTimer = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS);
    this.#closeTimer.unref();
  }

  terminate(): void {
    this.#isOver = true;
    this.#ws.terminate();
  }
}
