import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { unread } from '../../protocol/frame-scan.ts';
import { unwritable } from '../../protocol/json.ts';
import type { AttachLog } from '../attached.ts';
import { DoorSession, loadMcp } from './door-session.ts';

/** Largest request, and how long it may take to arrive. Bytes, milliseconds. */
const [MAX_BODY_BYTES, BODY_TIMEOUT_MS] = [4 * 1024 * 1024, 10_000];
/** Sockets at once, of all agents. */
const MAX_SOCKETS = 256;
const HOST = '127.0.0.1';

/**
 * Where the agents of this process come for the tools of their hosts: an HTTP server on the loopback address, with one secret
 * path and one secret bearer for each session. It is started with the first session.
 */
export class Door {
  readonly #log: AttachLog;
  readonly #sessions = new Map<string, DoorSession>();
  #server: Server | undefined;
  #port = 0;
  #listening: Promise<number> | undefined;

  constructor(log: AttachLog) {
    this.#log = log;
  }

  async open(): Promise<DoorSession & { readonly url: string }> {
    this.#listening ??= this.#listen();
    const [port, mcp] = await Promise.all([this.#listening, loadMcp()]);
    const path = `/${randomBytes(16).toString('hex')}`;
    const bearer = randomBytes(24).toString('hex');
    const session = new DoorSession(mcp, { path, bearer }, () => this.#sessions.delete(path));
    this.#sessions.set(path, session);
    return Object.assign(session, { url: `http://${HOST}:${port}${path}` });
  }

  async close(): Promise<void> {
    for (const session of [...this.#sessions.values()]) session.close();
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #listen(): Promise<number> {
    const server = createServer(
      { requestTimeout: BODY_TIMEOUT_MS, connectionsCheckingInterval: 1_000 },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          this.#log.warn({ err: error }, 'a request for the tools of a host failed');
          if (!response.headersSent) refuse(response, 500);
          else response.destroy();
        });
      },
    );
    this.#server = server;
    server.maxConnections = MAX_SOCKETS;
    // What it serves keeps nobody alive.
    server.unref();
    server.listen(0, HOST);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    return this.#port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page in a browser has an origin, and may have found a name that leads here.
    if (request.headers.host !== `${HOST}:${this.#port}` || request.headers.origin !== undefined)
      return refuse(response, 403);
    const session = this.#sessions.get(request.url ?? '');
    if (!session) return refuse(response, 404);
    if (!isBearer(request.headers.authorization, session.bearer)) return refuse(response, 401);
    // It is known now, and nothing else needs it.
    delete request.headers.authorization;
    const body = request.method === 'POST' ? await bodyOf(request) : undefined;
    if (body === TOO_LARGE) return refuse(response, 413);
    if (body === NO_JSON) return refuse(response, 400);
    await session.handle(request, response, body);
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { connection: 'close' }).end();
}

function isBearer(header: string | undefined, bearer: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${bearer}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const TOO_LARGE = Symbol('too large');
const NO_JSON = Symbol('no JSON');

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return TOO_LARGE;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  // Parsing it would hold everybody else up.
  if (unread(text)) return TOO_LARGE;
  try {
    const body: unknown = JSON.parse(text);
    return unwritable(body) === undefined ? body : NO_JSON;
  } catch {
    return NO_JSON;
  }
}
