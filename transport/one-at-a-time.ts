import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** One answer at a time for each connection (`wire.md` section 1): who sends the next request too soon is served no more. */
export class OneAtATime {
  readonly #answering = new WeakMap<Duplex, ServerResponse>();
  /** Those that are closed once their answer is written. */
  readonly #last = new WeakSet<Duplex>();

  /** Whether a request may be answered. Where not, its connection ends after the answer that is under way. */
  begin({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (!this.isFree(socket)) return false;
    this.#answering.set(socket, response);
    response.once('close', () => this.#answering.delete(socket));
    return true;
  }

  /** The same for a connection that asks to become a WebSocket: no answer may come behind a 101. */
  isFree(socket: Duplex): boolean {
    const before = this.#answering.get(socket);
    if (!before) return !this.#last.has(socket);
    if (this.#last.has(socket)) return false;
    this.#last.add(socket);
    // Thousands may be in the piece that was read; no more of them are.
    socket.pause();
    before.once('close', () => {
      socket.once('finish', () => socket.destroy());
      socket.end();
    });
    return false;
  }
}
