import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { AuthUnavailableError, retryAfter } from '../protocol/auth-unavailable.ts';
import { isLoopbackAddress, notNow, type Refusal } from './checks.ts';
import type { Faults } from './faults.ts';
import type { Page, PageFinder } from './page.ts';
import { isForPerson, refusedForPerson } from './refused-page.ts';
import {
  type Answer,
  pathOf,
  type RouteHandler,
  Routes,
  routeOf,
  type SocketHandler,
  type SocketRefusal,
} from './routes.ts';

const NOT_FOUND: Page = { status: 404, body: 'not found\n' };
const NO_METHOD: Page = { status: 405, body: 'method not allowed\n' };
const FAILED: Page = { status: 500, body: 'internal error\n' };
const TOO_MANY: Page = {
  status: 429,
  body: 'too many requests\n',
  headers: { connection: 'close', 'retry-after': '1' },
};
const STOPPED: Page = { status: 503, body: 'the broker has stopped\n' };

const TEXT = 'text/plain; charset=utf-8';

/** What a page needs to know of those who ask. */
export interface Visitors {
  /** Whether one more page may be served to whoever asks. */
  mayAsk(request: IncomingMessage): boolean;
  /** An embedder's handler answers, and takes what time it likes. */
  isHandled(request: IncomingMessage): void;
  /** Whoever asks is known: until it is answered its socket counts as a connection. False: there is no room. */
  admit(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether there would be. */
  hasRoom(request: IncomingMessage): boolean;
}

/** Plain HTTP on every way in (`wire.md` section 1): who answers what, and what becomes of it when that fails. */
export class HttpAnswers {
  readonly #routes = new Routes();
  readonly #faults: Faults;
  readonly #visitors: Visitors;
  /** Prefixes of embedders' handlers. */
  readonly #handled = new Set<string>();
  /** Who takes WebSockets below such a prefix. */
  readonly #sockets = new Map<string, SocketHandler>();
  /** Answers of routes' handlers that are not finished, and what tells the handler that nobody waits for them. */
  readonly #open = new Map<ServerResponse, AbortController>();
  #isStopped = false;

  constructor(faults: Faults, visitors: Visitors) {
    this.#faults = faults;
    this.#visitors = visitors;
  }

  /** Adds a page of the broker's own: for GET and HEAD, as long as there is a server to ask. */
  page(path: string, find: PageFinder): void {
    this.#routes.addPage(path, pageAnswer(find));
  }

  /** The same for all paths below one. */
  pagesBelow(prefix: string, find: PageFinder): void {
    this.#routes.addPrefix(prefix, pageAnswer(find));
  }

  /** Adds an embedder's handler, until the broker closes. @throws {Error} where the prefix is none, or taken. */
  route(prefix: string, handler: RouteHandler, sockets?: SocketHandler): void {
    this.#routes.addPrefix(prefix, (request, response) => this.#handle(request, response, prefix, handler));
    this.#handled.add(prefix);
    if (sockets) this.#sockets.set(prefix, sockets);
  }

  /** Who takes the WebSockets of a path, and the prefix that it is below; undefined: they are the broker's own. */
  socketsAt(request: IncomingMessage): { prefix: string; handler: SocketHandler } | undefined {
    const prefix = this.#routes.find(pathOf(request))?.prefix;
    const handler = prefix === undefined ? undefined : this.#sockets.get(prefix);
    return handler && prefix !== undefined ? { prefix, handler } : undefined;
  }

  /** Answers one request. Never throws, and nothing that a handler does comes back here. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = this.#routes.find(pathOf(request));
    if (found && this.#handled.has(found.prefix)) this.#visitors.isHandled(request);
    else if (!this.#visitors.mayAsk(request)) {
      writePage(request, response, TOO_MANY);
      return;
    }
    try {
      if (found) await found.answer(request, response);
      else writePage(request, response, isRead(request) ? NOT_FOUND : NO_METHOD);
    } catch (error) {
      // It was counted and logged, where it was found out.
      const isFault = !(error instanceof AuthUnavailableError);
      if (isFault) this.#faults.report(error, `the route ${found?.prefix} failed`);
      fail(request, response, isFault ? FAILED : refusedPage(notNow(error)));
    }
  }

  /** Ends the answers that handlers still owe: nobody waits longer than the broker lives. */
  stop(): void {
    this.#isStopped = true;
    for (const [response, gone] of [...this.#open]) {
      gone.abort();
      if (response.headersSent) response.destroy();
      else replace(response.req, response, STOPPED);
    }
    this.#open.clear();
  }

  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    prefix: string,
    handler: RouteHandler,
  ): Promise<void> {
    if (this.#isStopped) {
      writePage(request, response, STOPPED);
      return;
    }
    const gone = new AbortController();
    this.#open.set(response, gone);
    response.once('close', () => {
      this.#open.delete(response);
      if (!response.writableFinished) gone.abort();
    });
    // A handler that writes to an answer which is over: without this it would reach the top.
    response.on('error', (error) => this.#faults.report(error, `an answer of the route ${prefix} failed`));
    await handler(request, response, {
      ...routeOf(request, prefix, gone.signal),
      admit: () => this.#visitors.admit(request, response),
      hasRoom: () => this.#visitors.hasRoom(request),
      mayAsk: () => this.#visitors.mayAsk(request),
    });
  }
}

/** Answers a request that was refused before anything else: a person by a page that says what to do. */
export function refuseHttp(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  writePage(request, response, isForPerson(request) ? refusedForPerson(refusal) : refusedPage(refusal));
}

function refusedPage({ status, message, retryAfterMs: ms }: Refusal): Page {
  return { status, body: `${message}\n`, ...(ms === undefined ? {} : { headers: { 'retry-after': retryAfter(ms) } }) };
}

/** Answers an upgrade that does not happen, as plain HTTP, and ends its socket. @param metadata - see {@link challenge} */
export function refuseUpgrade(
  socket: Duplex,
  { status, message, retryAfterMs: ms = status === 429 ? 1_000 : undefined }: SocketRefusal,
  metadata?: string,
): void {
  const body = `${message}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${TEXT}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 401 ? [`WWW-Authenticate: ${challenge(metadata)}`] : []),
    ...(ms === undefined ? [] : [`Retry-After: ${retryAfter(ms)}`]),
  ];
  // The peer may be gone already.
  socket.on('error', () => {});
  // Or it may never hang up: nothing else ends this socket, and it counts as no connection.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** What a 401 asks for. @param metadata - where it is said who gives tokens (RFC 9728); a path alone is no URL, and left out */
function challenge(metadata: string | undefined): string {
  return metadata?.startsWith('http') ? `Bearer resource_metadata="${metadata}"` : 'Bearer';
}

/** The answer of a page that is not for everybody. */
export function unauthorized(metadata: string | undefined): Page {
  return { status: 401, body: 'unauthorized\n', headers: { 'www-authenticate': challenge(metadata) } };
}

function pageAnswer(find: PageFinder): Answer {
  return async (request, response) => {
    if (!isRead(request)) {
      writePage(request, response, NO_METHOD);
      return;
    }
    const { 'accept-encoding': acceptEncoding, host } = request.headers;
    const page = await find({ path: pathOf(request), acceptEncoding, host, isLocal: isLocal(request), request });
    writePage(request, response, page ?? NOT_FOUND);
  };
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** What a proxy adds for whom it asks: those may be anywhere, however near the proxy itself is. */
export const FORWARDED: readonly string[] = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** A Unix socket has no address: whoever is on it is on this machine. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  return socket.remoteAddress === undefined || isLoopbackAddress(socket.remoteAddress);
}

/** Ends what has failed. */
function fail(request: IncomingMessage, response: ServerResponse, page: Page): void {
  if (response.writableEnded) return;
  // Half of an answer must not pass for the whole.
  if (response.headersSent) response.destroy();
  else replace(request, response, page);
}

/** Answers in a handler's place, which may have set headers of its own by then. */
function replace(request: IncomingMessage, response: ServerResponse, page: Page): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  writePage(request, response, page);
}

function writePage(request: IncomingMessage, response: ServerResponse, page: Page): void {
  response.writeHead(page.status, {
    'content-type': page.type ?? TEXT,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...page.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}
