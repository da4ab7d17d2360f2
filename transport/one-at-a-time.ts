import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** So many requests may be seen before the answer to the first: in vain, but it is still answered. With more, nothing is. */
const MAX_AHEAD = 16;

/**
 * Node's parser of a connection that asks for pages, as far as we take hold of it. It is in no manual: where it is not as it
 * was, nothing breaks, and more is read in vain (`test/transport/pipelining.test.ts` sees that).
 */
interface Parsed {
  parser?: { onIncoming?: unknown } | null;
}

/** What the parser is told of a request to take it for the last one: what is behind it would be another protocol's. */
const NOTHING_BEHIND = 2;

/** One answer at a time for each connection (`wire.md` section 1): who sends the next request too soon is served no more. */
export class OneAtATime {
  readonly #answering = new WeakMap<Duplex, ServerResponse>();
  /** Requests that came too soon: their connections are closed once the answer is written. */
  readonly #ahead = new WeakMap<Duplex, number>();

  /** Whether a request may be answered. Where not, its connection ends after the answer that is under way. */
  begin({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (!this.isFree(socket)) return false;
    this.#answering.set(socket, response);
    response.once('close', () => this.#answering.delete(socket));
    return true;
  }

  /** Whether an answer is under way on this connection. */
  isAnswering(socket: Duplex): boolean {
    return this.#answering.has(socket);
  }

  /** The same for a connection that asks to become a WebSocket: no answer may come behind a 101. */
  isFree(socket: Duplex): boolean {
    const ahead = this.#ahead.get(socket) ?? 0;
    const under = this.#answering.get(socket);
    if (ahead === 0 && !under) return true;
    this.#ahead.set(socket, ahead + 1);
    if (ahead === 0) {
      // A pause would come too late: what has been read has thousands of them, and Node would make a request of each.
      const { parser } = socket as Parsed;
      if (parser) parser.onIncoming = () => NOTHING_BEHIND;
      under?.once('close', () => {
        socket.once('finish', () => socket.destroy());
        socket.end();
      });
    } else if (ahead === MAX_AHEAD) socket.destroy();
    return false;
  }
}
