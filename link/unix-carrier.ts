import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Carrier, CarrierHandlers } from './carrier.ts';
import { type LinkClock, systemLinkClock } from './clock.ts';
import { isPeerName } from './frame.ts';
import { LINE_BYTES, UnixLine } from './unix-line.ts';

/** Longest path of a Unix socket in bytes: `sun_path` without its closing zero. */
const SOCKET_PATH_LIMIT = process.platform === 'darwin' ? 103 : 107;
/** A peer that does not answer is tried again after so long, then after twice as long. Milliseconds. */
const RETRY_MS = 25;
/** The longest time between two attempts. Milliseconds. */
const MAX_RETRY_MS = 1_000;
/** What was taken has so long to be written when it closes. Milliseconds. */
export const CLOSE_MS = 500;
/** So many connections may be open that have not said who they are. */
export const MAX_UNNAMED = 64;
/** So many peers may be connected. */
export const MAX_CONNECTED = 256;

/** What a {@link UnixCarrier} is made of. */
export interface UnixCarrierOptions {
  /** The name of this broker: its socket is called so. */
  readonly self: string;
  /** A directory of the user's alone, where all brokers have their sockets; it is made, mode 0700. */
  readonly directory: string;
  readonly clock?: LinkClock;
}

/**
 * Frames between brokers on one machine. Each listens on a socket of its own in a directory that is the user's alone; of
 * two, the one whose name sorts first connects to the other, and each says who it is.
 */
export class UnixCarrier implements Carrier {
  /** Each connection is a peer's own: one that is lost says something of that peer. */
  readonly isConnected = true;
  readonly #options: UnixCarrierOptions;
  readonly #clock: LinkClock;
  readonly #path: string;
  readonly #peers = new Set<string>();
  readonly #lines = new Map<string, UnixLine>();
  readonly #unnamed = new Set<UnixLine>();
  readonly #dialing = new Map<string, { retryMs: number; timer?: unknown }>();
  #handlers: CarrierHandlers | undefined;
  #server: Server | undefined;
  #isClosed = false;

  /** @throws {RangeError} where its name is none, or its socket's path too long for one */
  constructor(options: UnixCarrierOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemLinkClock;
    this.#path = this.#pathOf(options.self);
  }

  /**
   * @throws {Error} where another process listens on its socket, or the directory is open to others; a system error where
   *   either cannot be made
   */
  async open(handlers: CarrierHandlers): Promise<void> {
    this.#handlers = handlers;
    makePrivate(this.#options.directory);
    await removeDead(this.#path);
    const server = createServer({ highWaterMark: LINE_BYTES }, (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Its own: of a worker of `node:cluster` the primary would listen, and give the connections to whomever it likes.
      server.listen({ path: this.#path, exclusive: true }, resolve);
    });
    // Later ones cost one connection each.
    server.on('error', () => {});
    chmodSync(this.#path, 0o600);
    for (const peer of this.#peers) this.#dial(peer);
  }

  /**
   * Keeps a way to that peer, whether it is there yet or not. One whose name sorts first comes by itself.
   * @throws {RangeError} where that is no name, or its socket's path too long for one
   */
  connect(peer: string): void {
    this.#pathOf(peer);
    this.#peers.add(peer);
    if (this.#server) this.#dial(peer);
  }

  send(peer: string, frame: Buffer): boolean {
    return this.#lines.get(peer)?.send(frame) ?? false;
  }

  announce(frame: Buffer): void {
    for (const line of this.#lines.values()) line.announce(frame);
  }

  reaches(peer: string): boolean {
    return this.#lines.has(peer);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { timer } of this.#dialing.values()) this.#clock.clearTimeout(timer);
    for (const line of this.#unnamed) line.cut();
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    for (const line of lines) line.end();
    // A peer that does not read would be waited for for ever.
    const timer = this.#clock.setTimeout(() => {
      for (const line of lines) line.cut();
    }, CLOSE_MS);
    const server = this.#server;
    const closed = lines.map((line) => line.closed);
    // It unlinks its socket.
    if (server?.listening) closed.push(new Promise((resolve) => void server.close(() => resolve())));
    await Promise.all(closed);
    this.#clock.clearTimeout(timer);
  }

  #pathOf(peer: string): string {
    if (!isPeerName(peer)) throw new RangeError('the name of a broker has 1 to 64 letters, digits, - and _');
    const path = join(this.#options.directory, `${peer}.sock`);
    if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return path;
    throw new RangeError(`${path} is longer than the ${SOCKET_PATH_LIMIT} bytes a socket's path may have`);
  }

  #accept(socket: Socket): void {
    if (this.#isClosed || this.#unnamed.size >= MAX_UNNAMED) socket.destroy();
    else this.#hold(socket, undefined);
  }

  #dial(peer: string): void {
    if (this.#isClosed || this.#options.self >= peer || this.#dialing.has(peer) || this.#lines.has(peer)) return;
    const attempt = { retryMs: RETRY_MS };
    this.#dialing.set(peer, attempt);
    this.#tryOnce(peer, attempt);
  }

  #tryOnce(peer: string, attempt: { retryMs: number; timer?: unknown }): void {
    const socket = connect({ path: this.#pathOf(peer), highWaterMark: LINE_BYTES } as never);
    const again = () => {
      if (this.#isClosed || !this.#dialing.has(peer)) return;
      attempt.timer = this.#clock.setTimeout(() => this.#tryOnce(peer, attempt), attempt.retryMs);
      attempt.retryMs = Math.min(attempt.retryMs * 2, MAX_RETRY_MS);
    };
    socket.once('error', () => {});
    socket.once('close', again);
    socket.once('connect', () => {
      socket.off('close', again);
      if (this.#isClosed) socket.destroy();
      else this.#hold(socket, { peer, again });
    });
  }

  /** A connection that has yet to say who it is. */
  #hold(socket: Socket, dialed: { peer: string; again: () => void } | undefined): void {
    let name: string | undefined;
    const line: UnixLine = new UnixLine(socket, this.#options.self, this.#clock, {
      greeted: (peer) => {
        this.#unnamed.delete(line);
        if (!this.#mayCome(peer, dialed?.peer)) {
          line.cut();
          return;
        }
        name = peer;
        this.#dialing.delete(peer);
        this.#welcome(peer, line);
      },
      frame: (frame) => {
        if (name !== undefined && this.#lines.get(name) === line) this.#handlers?.frame(frame, name);
      },
      writable: () => {
        if (name !== undefined && this.#lines.get(name) === line) this.#handlers?.writable(name);
      },
      closed: () => {
        this.#unnamed.delete(line);
        if (name === undefined) dialed?.again();
        else if (this.#lines.get(name) === line) this.#lost(name);
      },
    });
    this.#unnamed.add(line);
  }

  /** Who was called must answer; who comes by itself must be one of those that do. */
  #mayCome(peer: string, called: string | undefined): boolean {
    if (called !== undefined) return peer === called;
    return peer < this.#options.self && (this.#lines.has(peer) || this.#lines.size < MAX_CONNECTED);
  }

  /** One that was there before is left: its other end has found it broken. */
  #welcome(peer: string, line: UnixLine): void {
    const before = this.#lines.get(peer);
    this.#lines.set(peer, line);
    before?.cut();
    this.#handlers?.reachable(peer);
  }

  #lost(peer: string): void {
    if (this.#isClosed) return;
    this.#lines.delete(peer);
    this.#handlers?.unreachable(peer);
    if (this.#peers.has(peer)) this.#dial(peer);
  }
}

/** A directory that nobody else has anything to do with. */
export function makePrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) {
    throw new Error(`${directory} belongs to somebody else, or is no directory`);
  }
  if ((found.mode & 0o777) !== 0o700) chmodSync(directory, 0o700);
}

/**
 * Removes the socket of a process that is no more. Names are given once: whoever starts brokers sees to it that no two of
 * a name start at a time.
 */
async function removeDead(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === 'ENOENT') return;
  if (code !== 'ECONNREFUSED') throw new Error(`another broker listens on ${path}`);
  unlinkSync(path);
}
