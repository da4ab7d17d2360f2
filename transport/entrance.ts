import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AuthUnavailableError } from '../protocol/auth-unavailable.ts';
import type { Limits } from '../protocol/limits.ts';
import { bearerOf } from './bearer.ts';
import { notNow, type Refusal } from './checks.ts';
import type { SocketRefusal } from './routes.ts';
import { peerOf, WaitingRoom } from './waiting-room.ts';

/** What a token in a header comes to. An error: it cannot be judged now. Undefined: that is not for the header to say. */
export type Judged<I> = I | 'refused' | AuthUnavailableError | undefined;

/** Whether an upgrade may become a connection, and whose its token says that it is. */
export type Admission<I> = Refusal | { who: I | undefined };

/** What an entrance needs to know. `I`: who somebody is. */
export interface EntranceOptions<I> {
  limits: Pick<Limits, 'maxConnections' | 'maxUnauthenticatedPerAddress'>;
  /** Upgrades whose tokens may be judged at once. */
  mostJudged: number;
  /** Whether somebody may come at all. */
  check(request: IncomingMessage): Refusal | undefined;
  /** Accepting chats: false while draining. */
  isReady(): boolean;
  /** Connections that there are. */
  count(): number;
  /** Who comes by a token, now or later. Never rejects. */
  identify(token: string, remote: string | undefined): Judged<I> | Promise<Judged<I>>;
  /** Whether there is room for one of whom nothing is known. */
  hasRoom(address: string | undefined): boolean;
  /** Whether one more may be answered whose token was wrong. */
  mayAsk(request: IncomingMessage): boolean;
}

const TOO_MANY_UNKNOWN: Refusal = { status: 503, message: 'too many connections that have not authenticated' };

/** Who comes in by an upgrade, and why others do not (`wire.md` section 1). */
export class Entrance<I extends object> {
  readonly #options: EntranceOptions<I>;
  /** Upgrades whose tokens are being judged. */
  readonly #judged: WaitingRoom<Duplex>;

  constructor(options: EntranceOptions<I>) {
    this.#options = options;
    const { mostJudged, limits } = options;
    this.#judged = new WaitingRoom(mostJudged, limits.maxUnauthenticatedPerAddress, (socket) => socket.destroy());
  }

  /** At once, unless its token has to be judged first. */
  admit(request: IncomingMessage, socket: Duplex): Admission<I> | Promise<Admission<I>> {
    const refusal = this.#options.check(request) ?? this.#lackOfRoom();
    if (refusal) return refusal;
    const token = bearerOf(request);
    if (token === undefined) return this.#settle(request, undefined);
    const who = this.#options.identify(token, request.socket.remoteAddress);
    if (!(who instanceof Promise)) return this.#settle(request, who);
    const peer = peerOf(request.socket);
    if (!this.#judged.hasRoom(peer)) return TOO_MANY_UNKNOWN;
    this.#judged.enter(socket, peer);
    return who.then((found) => {
      this.#judged.leave(socket);
      // The broker may have filled up, or have begun to stop, since.
      return this.#lackOfRoom() ?? this.#settle(request, found);
    });
  }

  /**
   * The same, where a route says who may.
   * @param decide who takes it, or why not. Never rejects.
   */
  async admitTo<T extends object>(
    request: IncomingMessage,
    socket: Duplex,
    decide: () => Promise<T | SocketRefusal>,
  ): Promise<T | SocketRefusal> {
    const refusal = this.#options.check(request) ?? this.#lackOfRoom();
    if (refusal) return refusal;
    const peer = peerOf(request.socket);
    if (!this.#judged.hasRoom(peer)) return TOO_MANY_UNKNOWN;
    this.#judged.enter(socket, peer);
    const decided = await decide();
    this.#judged.leave(socket);
    if ('status' in decided && decided.status === 401) return this.#refused(request);
    return this.#lackOfRoom() ?? decided;
  }

  /** Whatever was wrong with a token. Who tries one after the other is answered as slowly as who asks for pages. */
  #refused(request: IncomingMessage): Refusal {
    return this.#options.mayAsk(request)
      ? { status: 401, message: 'auth failed: token mismatch' }
      : { status: 429, message: 'too many requests' };
  }

  #lackOfRoom(): Refusal | undefined {
    const { isReady, count, limits } = this.#options;
    if (!isReady()) return { status: 503, message: 'draining' };
    if (count() >= limits.maxConnections) return { status: 503, message: 'too many connections' };
    return undefined;
  }

  #settle(request: IncomingMessage, who: Judged<I>): Admission<I> {
    if (who instanceof AuthUnavailableError) return notNow(who);
    if (who === 'refused') return this.#refused(request);
    // Who is known is no stranger, and needs none of their places.
    if (!who && !this.#options.hasRoom(peerOf(request.socket))) return TOO_MANY_UNKNOWN;
    return { who };
  }
}
