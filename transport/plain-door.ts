import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Limits } from '../protocol/limits.ts';
import type { Visitors } from './http.ts';
import { Leaving } from './leaving.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { PageRate } from './page-rate.ts';
import { peerOf, WaitingRoom } from './waiting-room.ts';

/** Why plain HTTP is refused: no room, too slow, too many pages, the next request before the answer, no TLS that is taken. */
const REASONS = ['connections', 'slow', 'rate', 'pipelined', 'handshake'] as const;

/** How Node's parser says that the peer has left before the end. */
const CUT_OFF = 'HPE_INVALID_EOF_STATE';
/** What Node answers to what is no request that it takes; 400 to anything else. */
const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

/**
 * What is on the broker's ports and no WebSocket: how many, how much they may ask for, how long they may take. Who has said who
 * they are count among the connections instead, until they are answered.
 */
export class PlainDoor implements Visitors {
  readonly #limits: Limits;
  readonly #sockets: WaitingRoom<Duplex>;
  /** Those that are being answered as somebody who is known. */
  readonly #admitted = new Set<Duplex>();
  readonly #hasRoom: () => boolean;
  readonly #turns = new OneAtATime();
  readonly #leaving = new Leaving();
  readonly #rate: PageRate;
  readonly #refused = new Map<string, number>(REASONS.map((reason) => [reason, 0]));

  /** @param hasRoom whether there may be one more connection */
  constructor(limits: Limits, hasRoom: () => boolean) {
    this.#limits = limits;
    this.#hasRoom = hasRoom;
    this.#rate = new PageRate(limits.pagesPerSecond, limits.pageBurst);
    this.#sockets = new WaitingRoom(limits.maxPlainConnections, limits.maxPlainPerAddress, (socket) => {
      this.#refuse('slow');
      socket.destroy();
    });
  }

  /** Sockets of the broker's own ports. */
  get size(): number {
    return this.#sockets.size + this.#admitted.size;
  }

  /** Of all sockets those of whoever is known: they count as connections. */
  get admitted(): number {
    return this.#admitted.size;
  }

  /** How often something was refused, by reason. */
  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** Whether a new socket may stay. */
  open(socket: Socket): boolean {
    const peer = peerOf(socket);
    if (!this.#sockets.hasRoom(peer)) {
      this.#refuse('connections');
      return false;
    }
    this.#sockets.enter(socket, peer);
    socket.once('close', () => this.#sockets.leave(socket));
    return true;
  }

  /** One of them speaks TLS now, by a socket of its own. False: it is not here any more. */
  secure(socket: Socket, secured: Socket): boolean {
    this.#sockets.leave(socket);
    return this.open(secured);
  }

  /** The handshake of this one takes too long. */
  cut(socket: Socket): void {
    this.#refuse('slow');
    socket.destroy();
  }

  /** A handshake failed. What a peer only broke off is no fault. */
  failed({ code = '' }: NodeJS.ErrnoException): void {
    if (code.startsWith('ERR_SSL_')) this.#refuse('handshake');
  }

  /** Whether a request may be answered. */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    if (!this.#turns.begin(request, response)) {
      this.#refuse('pipelined');
      return false;
    }
    this.#sockets.touch(socket);
    response.once('close', () => this.#sockets.touch(socket));
    return true;
  }

  /**
   * What came is no HTTP, or was cut off. Node's own answer, for those that are there to read it: of thousands that leave in
   * the middle of a head each would cost another piece of the turn in which they all leave.
   */
  malformed({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
    if (code === CUT_OFF) {
      this.#leaving.add(socket);
      return;
    }
    if (socket.writable && !this.#turns.isAnswering(socket)) {
      const status = STATUS_BY_CODE.get(code) ?? 400;
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroy();
  }

  /** A socket is to become a WebSocket. False where it may not: it is answered still. */
  leave(socket: Duplex): boolean {
    if (!this.#turns.isFree(socket)) {
      this.#refuse('pipelined');
      return false;
    }
    this.#sockets.leave(socket);
    return true;
  }

  admit({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#admitted.has(socket)) return true;
    if (!this.#hasRoom()) {
      this.#refuse('connections');
      return false;
    }
    const isOurs = this.#sockets.has(socket);
    this.#sockets.leave(socket);
    this.#admitted.add(socket);
    response.once('close', () => {
      this.#admitted.delete(socket);
      // Between two requests it is nobody in particular; of an embedder's own server it was none of these.
      if (isOurs && !socket.destroyed) this.#readmit(socket);
    });
    return true;
  }

  hasRoom({ socket }: IncomingMessage): boolean {
    return this.#admitted.has(socket) || this.#hasRoom();
  }

  mayAsk({ socket }: IncomingMessage): boolean {
    if (this.#rate.take(peerOf(socket) ?? UNIX)) return true;
    this.#refuse('rate');
    return false;
  }

  isHandled({ socket }: IncomingMessage): void {
    this.#sockets.touch(socket, true);
  }

  /** Cuts those who do not read what they have asked for. Who asks for nothing Node cuts itself. */
  sweep(): void {
    for (const socket of this.#sockets.longerThan(this.#limits.pageTimeoutMs)) {
      this.#refuse('slow');
      socket.destroy();
    }
    this.#rate.sweep();
  }

  #readmit(socket: Socket): void {
    const peer = peerOf(socket);
    if (this.#sockets.hasRoom(peer)) this.#sockets.enter(socket, peer);
    else socket.destroy();
  }

  #refuse(reason: (typeof REASONS)[number]): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}

/** Those on a Unix socket have no address: they are one peer. */
const UNIX = 'unix';
