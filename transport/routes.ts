import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Link } from '../protocol/link.ts';

/** Where a request has been led, as a {@link SocketHandler} is told. */
export interface SocketRoute {
  /** The path below the prefix, still percent-encoded: `/` for the prefix itself, with or without a slash behind it. */
  readonly path: string;
  /** The whole address that was asked for, `searchParams` and all. Its host is what the client says. */
  readonly url: URL;
  /** Aborts when nobody waits any more: the client has gone before its answer was written, or the broker has closed. */
  readonly signal: AbortSignal;
}

/** The same, as a {@link RouteHandler} is told: with what it may ask of those who watch the door. */
export interface Route extends SocketRoute {
  /**
   * Whoever asks is known: from now until it is answered, its connection is one of `maxConnections`, as a WebSocket is, and none of
   * those that make room for others. Again is no error. False: there is no room (503).
   */
  admit(): boolean;
  /** Whether there is room for it, as things are: `admit` may find none a moment later. */
  hasRoom(): boolean;
  /**
   * Whether somebody who is not known may be told so. False: whoever has this address asks faster than pages are served, one key
   * after another (429).
   */
  mayAsk(): boolean;
}

/**
 * Answers the HTTP requests below a prefix, whatever their method, by way of `response`. What it throws, or rejects
 * with, is logged and answered with 500, or by cutting the connection where the answer has begun; an `AuthUnavailableError` is
 * answered with 503.
 */
export type RouteHandler = (request: IncomingMessage, response: ServerResponse, route: Route) => void | Promise<void>;

/** Why a WebSocket is not opened: an HTTP status, and words. */
export interface SocketRefusal {
  status: number;
  message: string;
  /** When to come again, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/**
 * Decides on a WebSocket that is to be opened below a prefix. Resolves to what takes it, or to why not; what it rejects with
 * is logged, and answered with 500, an `AuthUnavailableError` with 503. Whoever takes the link admits it, as whose it is.
 */
export type SocketHandler = (
  request: IncomingMessage,
  route: SocketRoute,
) => Promise<SocketRefusal | ((link: Link) => void)>;

/** What stands behind a path. What it throws, or rejects with, is its caller's to answer for. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** One segment at least, each of characters that are the same in every spelling of a path; no slash at the end. */
const PREFIX = /^(?:\/[\w.~!$&'()*+,;=:@-]+)+$/;
/** A segment that leads elsewhere, `.` or `..`, and what browsers take for a slash: no such path is looked for. */
const DETOUR = /\\|\/(?:\.|%2e){1,2}(?=\/|$)/i;

/** Who answers which path: the broker's own pages and what an embedder has added, in one table. */
export class Routes {
  readonly #pages = new Map<string, Answer>();
  /** The longest first. There are few of them, and a path may have thousands of segments. */
  #prefixes: { prefix: string; answer: Answer }[] = [];

  /** Adds a page: that very path, and none below it. */
  addPage(path: string, answer: Answer): void {
    this.#refuseTaken(path);
    this.#pages.set(path, answer);
  }

  /**
   * Adds a path with everything below it; `/` is everything that nobody else has.
   * @throws {Error} where the prefix is none, or taken.
   */
  addPrefix(prefix: string, answer: Answer): void {
    if (prefix !== '/' && (!PREFIX.test(prefix) || DETOUR.test(prefix))) {
      const what = 'a path such as "/hooks", with no slash at its end, no escape and no query';
      throw new Error(`the prefix of a route is ${what}, not ${JSON.stringify(prefix)}`);
    }
    this.#refuseTaken(prefix);
    this.#prefixes = [...this.#prefixes, { prefix, answer }].sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** Who answers a path: of those that are the path, or lead to it by whole segments, the one with the longest. */
  find(path: string): { prefix: string; answer: Answer } | undefined {
    if (!path.startsWith('/') || DETOUR.test(path)) return undefined;
    const page = this.#pages.get(path);
    if (page) return { prefix: path, answer: page };
    return this.#prefixes.find(
      ({ prefix }) => prefix === '/' || path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/'),
    );
  }

  #refuseTaken(path: string): void {
    if (!this.#pages.has(path) && !this.#prefixes.some(({ prefix }) => prefix === path)) return;
    throw new Error(`the route ${path} is taken`);
  }
}

/** The path of a request, without its query, as it came. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const [path = '/'] = url.split('?', 1);
  return path;
}

/** What a handler is told of a request that was found below `prefix`. */
export function routeOf(request: IncomingMessage, prefix: string, signal: AbortSignal): SocketRoute {
  // Written behind a host, a path that begins with two slashes stays one.
  const url = new URL(`http://localhost${request.url ?? '/'}`);
  if ('encrypted' in request.socket) url.protocol = 'https:';
  // What cannot be a host changes nothing.
  if (request.headers.host !== undefined) url.host = request.headers.host;
  const below = prefix === '/' ? url.pathname : url.pathname.slice(prefix.length);
  return { path: below || '/', url, signal };
}
