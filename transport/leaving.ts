import type { Duplex } from 'node:stream';

/** So many sockets are closed in one turn of the event loop: each costs it some twenty microseconds. */
const AT_ONCE = 200;

/**
 * Sockets whose peers have left. Thousands may leave in one moment, and what Node does when a socket closes it does for all that
 * were destroyed in a turn together: so they are destroyed a few at a time. As many wait as are connected, at most.
 */
export class Leaving {
  readonly #sockets = new Set<Duplex>();
  #isUnderWay = false;

  /** Destroys a socket, soon. */
  add(socket: Duplex): void {
    this.#sockets.add(socket);
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    let left = AT_ONCE;
    for (const socket of this.#sockets) {
      if (left === 0) break;
      left -= 1;
      this.#sockets.delete(socket);
      socket.destroy();
    }
    this.#isUnderWay = this.#sockets.size > 0;
    if (this.#isUnderWay) setImmediate(() => this.#next());
  }
}
