import type { Link } from '../protocol/link.ts';
import { linkSocket } from './link-socket.ts';
import type { Socket, SocketFactory, SocketListener } from './socket.ts';

/** Where a broker is: at a URL, or at the other end of a link. One of the two. */
export interface PlaceOptions {
  /** `ws:` or `wss:`, in Node also `ws+unix:/path/to.sock:/`. A function is asked anew at each connection. */
  url?: string | (() => string) | undefined;
  /**
   * In place of a URL: what `broker.connect()` gives, in the process that the broker is in. A link is one connection and
   * no more; a function is asked for another at each connection, as coming back needs it: `() => broker.connect()`.
   */
  link?: Link | (() => Link) | undefined;
}

/** Where the next connection goes. */
export interface Place {
  /** Undefined for a link. */
  readonly url: string | undefined;
  /** What to call it in an error. */
  readonly name: string;
  /** Opens a socket there. Never calls its listener before it has returned. @throws where it is no such place. */
  open(listener: SocketListener): Socket;
}

/** @throws {TypeError} where it is not one of the two. */
export function checkPlace(where: string, { url, link }: PlaceOptions): void {
  if (url !== undefined && link !== undefined) throw new TypeError(`${where}: url or link, not both`);
  if (link === undefined || typeof link === 'function') return;
  if (typeof link !== 'object' || link === null || typeof link.open !== 'function' || typeof link.send !== 'function')
    throw new TypeError(`${where}: link is what broker.connect() gives, or a function that gives one`);
}

/**
 * The place of the next connection.
 * @throws {ConnectionError} where there is no next one. @throws whatever a given function throws.
 */
export function nextPlace(open: SocketFactory, { url: given, link }: PlaceOptions): Place {
  if (link !== undefined) {
    const next = typeof link === 'function' ? link() : link;
    return { url: undefined, name: 'the broker by its link', open: linkSocket(next) };
  }
  const url = typeof given === 'function' ? given() : (given ?? '');
  return { url, name: url, open: (listener) => open(url, listener) };
}
