import type { Socket } from 'node:net';
import type { LinkClock } from './clock.ts';
import { isPeerName } from './frame.ts';
import { FrameStream } from './frame-stream.ts';

/** What each end of a connection says first, followed by the length of its name and that. */
const GREETING = Buffer.from('SWBLINK1');
/** The longest that a connection may take to say who it is. Milliseconds. */
export const GREETING_MS = 5_000;
/** While so many bytes wait in a connection, it takes no more. */
export const LINE_BYTES = 256 * 1024;
/** So long a connection's frames are read in one turn of the event loop. Milliseconds. */
const SHARE_MS = 5;

/** What a {@link UnixLine} tells. Never from inside a call to it. */
export interface LineHandlers {
  /** The other end has said who it is; once, and first. */
  greeted(peer: string): void;
  frame(frame: Buffer): void;
  writable(): void;
  /** Once, last. */
  closed(): void;
}

/** One connection between two brokers, over a Unix socket. */
export class UnixLine {
  readonly #socket: Socket;
  readonly #handlers: LineHandlers;
  readonly #stream = new FrameStream();
  #greeting: Buffer | undefined = Buffer.alloc(0);
  readonly #deadline: unknown;
  readonly #clock: LinkClock;
  /** Settles when it is closed. Never rejects. */
  readonly closed: Promise<void>;
  #isClosed = false;
  #isFull = false;
  #rest: NodeJS.Immediate | undefined;

  /** @param self - the name of this broker */
  constructor(socket: Socket, self: string, clock: LinkClock, handlers: LineHandlers) {
    this.#socket = socket;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#deadline = clock.setTimeout(() => this.cut(), GREETING_MS);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => {
      this.#isFull = false;
      if (!this.#isClosed) handlers.writable();
    });
    // What went wrong does not matter: it is closed.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end();
        resolve();
      });
    });
    socket.write(Buffer.concat([GREETING, Buffer.of(self.length), Buffer.from(self, 'latin1')]));
  }

  /** @returns false where it is full, or closed */
  send(frame: Buffer): boolean {
    if (this.#isFull || this.#isClosed) return false;
    const isTaken = this.#socket.write(frame);
    // A write that the kernel has taken at once leaves nothing behind; of what it has not, `drain` tells.
    this.#isFull = !isTaken && this.#socket.writableLength >= LINE_BYTES;
    return true;
  }

  /** Takes a small frame although it is full, unless that was done too often: it must not wait for room. */
  announce(frame: Buffer): void {
    if (!this.#isClosed && this.#socket.writableLength < 2 * LINE_BYTES) this.#socket.write(frame);
  }

  /** Writes what it has taken, and closes. */
  end(): void {
    this.#socket.destroySoon();
  }

  cut(): void {
    this.#socket.destroy();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#deadline);
    clearImmediate(this.#rest);
    this.#handlers.closed();
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return;
    let rest: Buffer | undefined = chunk;
    if (this.#greeting) rest = this.#greet(Buffer.concat([this.#greeting, chunk]));
    if (!rest || rest.length === 0) return;
    this.#stream.push(rest);
    if (this.#rest === undefined) this.#takeFrames();
  }

  /** Looks for the greeting. @returns what follows it; `undefined` where it is not whole, or wrong */
  #greet(bytes: Buffer): Buffer | undefined {
    this.#greeting = bytes;
    const known = Math.min(bytes.length, GREETING.length);
    const length = bytes[GREETING.length] ?? 0;
    if (!bytes.subarray(0, known).equals(GREETING.subarray(0, known)) || length > 64) {
      this.cut();
      return;
    }
    const end = GREETING.length + 1 + length;
    if (bytes.length <= GREETING.length || bytes.length < end) return;
    const peer = bytes.toString('latin1', GREETING.length + 1, end);
    if (!isPeerName(peer)) {
      this.cut();
      return;
    }
    this.#greeting = undefined;
    this.#clock.clearTimeout(this.#deadline);
    this.#handlers.greeted(peer);
    return bytes.subarray(end);
  }

  /** Tells of what is there, for a while; the rest waits, and nothing more is read meanwhile. */
  #takeFrames(): void {
    this.#rest = undefined;
    const since = performance.now();
    while (!this.#socket.destroyed) {
      const frame = this.#stream.next();
      if (frame === undefined) break;
      if (frame === false) {
        this.cut();
        return;
      }
      this.#handlers.frame(frame);
      if (performance.now() - since < SHARE_MS) continue;
      this.#socket.pause();
      this.#rest = setImmediate(() => this.#takeFrames());
      return;
    }
    if (this.#socket.isPaused()) this.#socket.resume();
  }
}
