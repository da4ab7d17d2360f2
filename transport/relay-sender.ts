import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { Limits } from '../protocol/limits.ts';
import { PatientTimer } from '../protocol/patience.ts';
import { passedOn, sayFacts } from './relay-facts.ts';
import { joinLinks } from './relay-link.ts';
import type { RouteHandler, SocketHandler, SocketRefusal } from './routes.ts';

/** Connections to the other process that are kept for the next requests. */
const MAX_FREE = 32;
/** When to come again where it is not there. Seconds. */
const RETRY_S = 1;
/** Of why a WebSocket is not opened so much is read. Bytes. */
const MAX_REASON_BYTES = 4_096;
/** How often is looked whether all answers are written. Milliseconds. */
const POLL_MS = 20;

/** By what the other process says that it knows who asks. */
const PROCESSING = 102;

/**
 * Leads what comes in at this process to the one that answers it, a {@link RelayReceiver}: bodies and answers go as they come, and
 * neither is read faster than the other end takes it. Where either end goes, the other is told.
 */
export class RelaySender {
  readonly #path: string;
  readonly #limits: Pick<Limits, 'pageTimeoutMs' | 'softLimitBytes'>;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_FREE });
  #open = 0;

  /** @param path - the receiver's socket */
  constructor(path: string, limits: Pick<Limits, 'pageTimeoutMs' | 'softLimitBytes'>) {
    this.#path = path;
    this.#limits = limits;
  }

  /** For `broker.route`. */
  readonly answer: RouteHandler = (request, response, route) => {
    const { method, url } = request;
    const headers = { ...passedOn(request.headers), ...sayFacts(request, route.hasRoom()) };
    const passed = send({ socketPath: this.#path, agent: this.#agent, method, path: url, headers, setHost: false });
    this.#open += 1;
    response.once('close', () => {
      this.#open -= 1;
      passed.destroy();
    });
    passed.on('information', ({ statusCode }) => {
      if (statusCode === PROCESSING && !route.admit()) refuse(response, passed, TOO_MANY);
    });
    passed.on('response', (answer) => this.#pass(answer, response));
    passed.on('error', () => refuse(response, passed, NOT_THERE));
    request.pipe(passed);
  };

  /** For `broker.route`, where the path has WebSockets. */
  readonly sockets: SocketHandler = (request, { signal }) =>
    new Promise((resolve) => {
      const ws = new WebSocket(`ws://localhost${request.url}`, {
        headers: { ...passedOn(request.headers), ...sayFacts(request, true) },
        createConnection: () => connect(this.#path),
        perMessageDeflate: false,
        maxPayload: 0,
      });
      const leave = () => ws.terminate();
      // Its client may go at any time: it may even never hear that it was let in.
      request.socket.once('close', leave);
      signal.addEventListener('abort', leave, { once: true });
      ws.once('open', () => {
        // Nothing is to be lost until there is a link.
        ws.pause();
        signal.removeEventListener('abort', leave);
        resolve((link) => joinLinks(link, ws, this.#limits.softLimitBytes));
      });
      ws.once('unexpected-response', (_request, answer) => void readRefusal(answer).then(resolve).finally(leave));
      ws.on('error', () => resolve({ status: 503, message: NOT_THERE.message, retryAfterMs: RETRY_S * 1_000 }));
    });

  /** Resolves when no answer is under way any more, or after so long. Milliseconds. */
  async idle(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (this.#open > 0 && performance.now() < end) await new Promise((next) => setTimeout(next, POLL_MS));
  }

  close(): void {
    this.#agent.destroy();
  }

  #pass(answer: IncomingMessage, response: ServerResponse): void {
    if (response.headersSent || response.destroyed) {
      answer.destroy();
      return;
    }
    const { statusCode = 502, statusMessage, headers } = answer;
    const closes = headers.connection === 'close' ? { connection: 'close' } : {};
    response.writeHead(statusCode, statusMessage, { ...passedOn(headers), ...closes });
    // What is sent piece by piece may have its first one late.
    if (headers['content-length'] === undefined) response.flushHeaders();
    // Half of an answer must not pass for the whole.
    answer.once('close', () => {
      if (!answer.complete) response.destroy();
    });
    answer.once('end', () => {
      const timer = new PatientTimer(() => response.destroy(), this.#limits.pageTimeoutMs);
      response.once('close', () => timer.stop());
    });
    answer.pipe(response);
  }
}

interface Refused {
  readonly code: string;
  readonly message: string;
}

const NOT_THERE: Refused = {
  code: 'worker_unavailable',
  message: 'the worker that serves this path is not there just now: try again',
};
const TOO_MANY: Refused = { code: 'limit_exceeded', message: 'too many connections' };

/** Answers in the place of the other process. Where it has begun to, half of that must not pass for the whole. */
function refuse(response: ServerResponse, passed: ClientRequest, { code, message }: Refused): void {
  passed.destroy();
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = `${JSON.stringify({ error: { message, type: 'server_error', code } })}\n`;
  response.writeHead(503, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'retry-after': String(RETRY_S),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** What the other process has said of why there is no WebSocket. Never rejects. */
async function readRefusal(answer: IncomingMessage): Promise<SocketRefusal> {
  const { statusCode: status = 502, headers } = answer;
  const seconds = Number(headers['retry-after']);
  let text = '';
  try {
    for await (const chunk of answer.setEncoding('utf8')) {
      text += chunk;
      if (text.length >= MAX_REASON_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  const message = text.slice(0, MAX_REASON_BYTES).trim();
  return { status, message, ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}) };
}
