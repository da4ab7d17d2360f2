import { type CloseCode, closeReason } from '../protocol/close-codes.ts';
import type { Link } from '../protocol/link.ts';
import { ConnectionError } from './errors.ts';
import { type JsonOptions, type Place, urlPlace } from './place.ts';
import type { SocketFactory } from './socket.ts';

/** Links that have had their connection. */
const used = new WeakSet<Link>();

/** Where a broker is: at a URL, or at the other end of a link. One of the two. */
export interface PlaceOptions extends JsonOptions {
  /** `ws:` or `wss:`, or `ws+unix:/path/to.sock:/`. A function is asked anew at each connection. */
  url?: string | (() => string) | undefined;
  /**
   * In place of a URL: what `broker.connect()` gives, in the process that the broker is in. A link is one connection and
   * no more; a function is asked for another at each connection, as coming back needs it: `() => broker.connect()`.
   */
  link?: Link | (() => Link) | undefined;
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
export function nextPlace(open: SocketFactory, { url = '', link, json = JSON }: PlaceOptions): Place {
  if (link === undefined) return urlPlace(open, url, json);
  const next = typeof link === 'function' ? link() : link;
  return { url: undefined, name: 'the broker by its link', isNear: true, json, open: linkSocket(next) };
}

/**
 * A link as a socket. It has no handshake of its own: the link is there, so it is open.
 * @throws {ConnectionError} where it has had its connection.
 */
function linkSocket(link: Link): Place['open'] {
  if (used.has(link)) {
    const help = 'to connect again give a function, link: () => broker.connect()';
    throw new ConnectionError(`a link is one connection, and this one was used; ${help}`, { retryable: false });
  }
  used.add(link);
  return (listener) => {
    // Before anything that the link brings: those come in microtasks of their own.
    queueMicrotask(() => listener.opened());
    link.open({
      text: (data) => listener.message(data),
      binary: (data) => listener.binary(data),
      closed: (code) => listener.closed({ code, reason: closeReason(code as CloseCode) ?? '' }),
    });
    return {
      send: (text) => link.send(text),
      sendBinary: (data) => link.sendBinary(data),
      close: (code, reason) => link.close(code, reason),
      get bufferedAmount() {
        return link.waitingBytes;
      },
    };
  };
}
