import type { Socket, SocketFactory, SocketListener } from './socket.ts';

/** Reads and writes JSON: `JSON` does, and `exactJson`. */
export interface JsonCodec {
  parse(text: string): unknown;
  stringify(value: unknown): string;
}

/** How the messages of a connection are read and written. */
export interface JsonOptions {
  /**
   * Default `JSON`: integers beyond 2^53 come rounded, and a bigint cannot be sent. With `exactJson` they come as bigints,
   * and bigints go as integers, digit for digit.
   */
  json?: JsonCodec | undefined;
}

/** Where the next connection goes. */
export interface Place {
  /** Undefined for a link. */
  readonly url: string | undefined;
  /** What to call it in an error. */
  readonly name: string;
  /** Whether it is on this machine: nobody is in the way of who knocks often. */
  readonly isNear: boolean;
  readonly json: JsonCodec;
  /** Opens a socket there. Never calls its listener before it has returned. @throws where it is no such place. */
  open(listener: SocketListener): Socket;
}

/** Where a broker is, by its URL. A function is asked anew. @throws whatever that throws. */
export function urlPlace(open: SocketFactory, given: string | (() => string), json: JsonCodec = JSON): Place {
  const url = typeof given === 'function' ? given() : given;
  return { url, name: url, isNear: isLocal(url), json, open: (listener) => open(url, listener) };
}

/** Whether a URL leads to this machine. */
export function isLocal(url: string): boolean {
  if (url.startsWith('ws+unix:')) return true;
  try {
    const { hostname } = new URL(url);
    return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  } catch {
    return false;
  }
}
