import type { Socket } from 'node:net';

/** So long handshakes may be begun in one turn of the event loop, in milliseconds; the one that goes beyond it is ended. */
const HANDSHAKE_SHARE_MS = 5;
/** Beyond so many bytes no beginning of a handshake is waited for. */
const MAX_HELLO_BYTES = 16 * 1024;
/** A TLS record that carries a handshake. */
const HANDSHAKE = 22;

/**
 * The sockets of a TLS port that have not begun to speak TLS. What a handshake costs is spent when its first message is
 * there, a millisecond with a key of RSA: so that one is waited for whole, and hundreds that come at once are answered in
 * several turns of the event loop.
 */
export class Handshakes {
  readonly #timeoutMs: number;
  readonly #begin: (socket: Socket) => void;
  readonly #slow: (socket: Socket) => void;
  /** Those whose first message is there: this. */
  readonly #ready = new Map<Socket, Buffer>();
  #isScheduled = false;
  /** Those whose handshake is not done, and what ends them. By where they come from: TLS puts a socket of its own before each. */
  readonly #open = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>();

  /**
   * @param begin lets one speak TLS, which may take a while.
   * @param slow it has not come to an end in time, and is to be cut.
   */
  constructor(options: {
    timeoutMs: number;
    begin: (socket: Socket) => void;
    slow: (socket: Socket) => void;
  }) {
    this.#timeoutMs = options.timeoutMs;
    this.#begin = options.begin;
    this.#slow = options.slow;
  }

  /** A new socket. */
  enter(socket: Socket): void {
    const from = originOf(socket);
    if (from === undefined) {
      // It has left already.
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => this.#slow(socket), this.#timeoutMs);
    timer.unref();
    this.#open.set(from, { socket, timer });
    socket.on('error', ignore);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#ready.delete(socket);
      if (this.#open.get(from)?.socket === socket) this.#open.delete(from);
    });
    this.#read(socket);
  }

  /** The handshake of this socket is done. @returns the one below it; undefined where that is not known any more. */
  finish(secured: Socket): Socket | undefined {
    const from = originOf(secured);
    const entry = from === undefined ? undefined : this.#open.get(from);
    if (!entry || from === undefined) return undefined;
    clearTimeout(entry.timer);
    this.#open.delete(from);
    return entry.socket;
  }

  #read(socket: Socket): void {
    let received: Buffer = Buffer.alloc(0);
    const look = () => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read())
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (received.length < MAX_HELLO_BYTES && !isWhole(received)) return;
      socket.off('readable', look);
      socket.off('end', leave);
      this.#ready.set(socket, received);
      if (!this.#isScheduled) this.#schedule();
    };
    /** Who hangs up before it has said anything. */
    const leave = () => void socket.destroy();
    socket.on('readable', look);
    socket.on('end', leave);
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => this.#work(performance.now()));
  }

  #work(since: number): void {
    const [next] = this.#ready;
    if (!next) {
      this.#isScheduled = false;
      return;
    }
    const [socket, received] = next;
    this.#ready.delete(socket);
    // Who has hung up meanwhile gets no answer.
    if (socket.destroyed || socket.readableEnded) socket.destroy();
    else {
      socket.unshift(received);
      this.#begin(socket);
    }
    // Node takes up what is there in the next tick, which is where the time goes: this comes behind it.
    process.nextTick(() => {
      if (performance.now() - since > HANDSHAKE_SHARE_MS) this.#schedule();
      else this.#work(since);
    });
  }
}

/** What a peer breaks off before TLS hears of it is nobody's fault. */
const ignore = () => {};

function originOf({ remoteAddress, remotePort, localAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** Whether this is the whole first message of a handshake, in however many records, or none. */
export function isWhole(received: Buffer): boolean {
  let at = 0;
  let missing = Number.POSITIVE_INFINITY;
  while (received.length > at) {
    if (received[at] !== HANDSHAKE) return true;
    if (received.length < at + 5) return false;
    const length = received.readUInt16BE(at + 3);
    if (received.length < at + 5 + length) return false;
    // Its own head has its length, in three bytes; a record that is too short for that is no client's.
    if (at === 0) {
      if (length < 4) return true;
      missing = 4 + received.readUIntBE(6, 3);
    }
    missing -= length;
    if (missing <= 0) return true;
    at += 5 + length;
  }
  return false;
}
