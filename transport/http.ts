import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { isLoopbackAddress, type Refusal } from './checks.ts';
import type { Page, PageRequest } from './page.ts';

/** What the plain HTTP endpoints tell about. */
export interface HttpSource {
  /** Accepting chats: false while draining. */
  isReady(): boolean;
  /** The Prometheus text, and its content type. */
  metrics(): Promise<{ text: string; contentType: string }>;
  /** The console's page of a path; undefined where it has none. */
  page(request: PageRequest): Promise<Page | undefined>;
}

const NOT_FOUND: Page = { status: 404, body: 'not found\n' };

const TEXT = 'text/plain; charset=utf-8';

/** Answers one plain HTTP request (`wire.md` section 1). Never throws. */
export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  source: HttpSource,
): Promise<void> {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  let page: Page;
  try {
    page = isRead ? await find(request, source) : { status: 405, body: 'method not allowed\n' };
  } catch {
    page = { status: 500, body: 'internal error\n' };
  }
  writePage(request, response, page);
}

/** Answers a request that was refused before anything else. */
export function refuseHttp(request: IncomingMessage, response: ServerResponse, { status, message }: Refusal): void {
  writePage(request, response, { status, body: `${message}\n` });
}

/** Answers an upgrade that does not happen, as plain HTTP, and ends its socket. */
export function refuseUpgrade(socket: Duplex, { status, message }: { status: number; message: string }): void {
  const body = `${message}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${TEXT}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  // The peer may be gone already.
  socket.on('error', () => {});
  // Or it may never hang up: nothing else ends this socket, and it counts as no connection.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

async function find(request: IncomingMessage, source: HttpSource): Promise<Page> {
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  switch (path) {
    case '/healthz':
      return { status: 200, body: 'ok\n' };
    case '/readyz':
      return source.isReady() ? { status: 200, body: 'ready\n' } : { status: 503, body: 'draining\n' };
    case '/metrics': {
      const { text, contentType } = await source.metrics();
      return { status: 200, type: contentType, body: text };
    }
    default: {
      const { 'accept-encoding': acceptEncoding, host } = request.headers;
      const page = await source.page({ path, acceptEncoding, host, isLocal: isLocal(request) });
      return page ?? NOT_FOUND;
    }
  }
}

/** What a proxy adds for whom it asks: those may be anywhere, however near the proxy itself is. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** A Unix socket has no address: whoever is on it is on this machine. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  return socket.remoteAddress === undefined || isLoopbackAddress(socket.remoteAddress);
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
