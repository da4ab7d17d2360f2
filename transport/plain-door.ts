import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Limits } from '../protocol/limits.ts';
import type { Visitors } from './http.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { PageRate } from './page-rate.ts';
import { peerOf, WaitingRoom } from './waiting-room.ts';

/** Why plain HTTP is refused: no room, too slow, too many pages, the next request before the answer. */
const REASONS = ['connections', 'slow', 'rate', 'pipelined'] as const;

/** What is on the broker's ports and no WebSocket: how many, how much they may ask for, how long they may take. */
export class PlainDoor implements Visitors {
  readonly #limits: Limits;
  readonly #sockets: WaitingRoom<Duplex>;
  readonly #turns = new OneAtATime();
  readonly #rate: PageRate;
  readonly #refused = new Map<string, number>(REASONS.map((reason) => [reason, 0]));

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#rate = new PageRate(limits.pagesPerSecond, limits.pageBurst);
    this.#sockets = new WaitingRoom(limits.maxPlainConnections, limits.maxPlainPerAddress, (socket) => {
      this.#refuse('slow');
      socket.destroy();
    });
  }

  /** Sockets of the broker's own ports. */
  get size(): number {
    return this.#sockets.size;
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

  /** A socket is to become a WebSocket. False where it may not: it is answered still. */
  leave(socket: Duplex): boolean {
    if (!this.#turns.isFree(socket)) {
      this.#refuse('pipelined');
      return false;
    }
    this.#sockets.leave(socket);
    return true;
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

  #refuse(reason: (typeof REASONS)[number]): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}

/** Those on a Unix socket have no address: they are one peer. */
const UNIX = 'unix';
