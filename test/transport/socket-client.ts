import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { type Address, type Broker, type BrokerOptions, createBroker } from '../../broker.ts';
import type { Message } from '../support/linked.ts';

/** A broker on a free TCP port, until the test ends. Its metrics are always those of this moment. */
export async function startListening(options: BrokerOptions = {}) {
  const broker = createBroker({ ...options, limits: { metricsMaxAgeMs: 0, ...options.limits } });
  onTestFinished(() => broker.close());
  const address = await broker.listen({ port: 0 });
  return { broker, address, port: address.port as number };
}

/** A WebSocket client made by hand, which keeps every frame that it was sent. */
export class SocketClient {
  readonly ws: WebSocket;
  readonly frames: Message[] = [];
  /** The close code, once it is closed. */
  readonly closed: Promise<number>;
  readonly #waiting = new Set<() => void>();
  #ids = 0;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
      for (const look of this.#waiting) look();
    });
    ws.on('error', () => {});
    this.closed = new Promise((resolve) => ws.once('close', resolve));
  }

  /** Connects; rejects where the upgrade is refused. */
  static async connect(address: Address, options: ClientOptions = {}): Promise<SocketClient> {
    const ws = new WebSocket(address.url, { perMessageDeflate: false, ...options });
    const client = new SocketClient(ws);
    onTestFinished(() => ws.terminate());
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
    return client;
  }

  /** Connects and authenticates with the daemon token. */
  static async host(broker: Broker, address: Address, options?: ClientOptions): Promise<SocketClient> {
    const client = await SocketClient.connect(address, options);
    await client.ok('session.auth', { token: broker.tokens.daemon });
    return client;
  }

  /** Connects and attaches as an agent, which accepts every chat. */
  static async agent(broker: Broker, address: Address, id: string, options?: ClientOptions): Promise<SocketClient> {
    const { token } = broker.upsertAgent({ id, rotate_token: true });
    const client = await SocketClient.connect(address, options);
    client.ws.on('message', (data) => {
      const frame = JSON.parse(String(data));
      if (frame.method === 'agent.chat') client.send({ jsonrpc: '2.0', id: frame.id, result: { accepted: true } });
    });
    await client.ok('session.auth', { agent_id: id, token });
    return client;
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  emit(sessionId: string, event: object): void {
    this.send({ jsonrpc: '2.0', method: 'agent.chat.event', params: { session_id: sessionId, ...event } });
  }

  /** Sends a request and leaves. */
  post(method: string, params?: unknown): number {
    this.#ids += 1;
    this.send({ jsonrpc: '2.0', id: this.#ids, method, params });
    return this.#ids;
  }

  /** Sends a request and gives its whole answer. */
  async call(method: string, params?: unknown): Promise<Message> {
    const id = this.post(method, params);
    return this.until(() => this.frames.find((frame) => frame.id === id && frame.method === undefined));
  }

  /** Sends a request that must succeed, and gives its result. */
  async ok(method: string, params?: unknown): Promise<Message> {
    const reply = await this.call(method, params);
    if (reply.error) throw new Error(`${method} failed: ${JSON.stringify(reply.error)}`);
    return reply.result;
  }

  /** The events received as a host. */
  events(): Message[] {
    return this.frames.filter((frame) => frame.method === 'agents.chat.event').map((frame) => frame.params);
  }

  /** Looks again after each frame, until something is there. */
  until<T>(find: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined || found === false) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** What plain HTTP answered. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How a plain HTTP request is made. */
interface HttpOptions {
  method?: string;
  headers?: OutgoingHttpHeaders;
  socketPath?: string;
}

/** One plain HTTP request with whatever headers; an upgrade that succeeds counts as status 101. */
export async function http(port: number, path: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const answer = await bytes(port, path, options);
  return { ...answer, body: answer.body.toString() };
}

/** The same, for a body that is no text. */
export function bytes(
  port: number,
  path: string,
  options: HttpOptions = {},
): Promise<Omit<HttpAnswer, 'body'> & { body: Buffer }> {
  return new Promise((resolve, reject) => {
    const where = options.socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath: options.socketPath };
    const sent = request({ ...where, path, method: options.method ?? 'GET', agent: false, ...headersOf(options) });
    sent.on('error', reject);
    sent.on('upgrade', ({ statusCode = 0, headers }, socket) => {
      socket.destroy();
      resolve({ status: statusCode, headers, body: Buffer.alloc(0) });
    });
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('error', reject);
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.end();
  });
}

function headersOf({ headers }: { headers?: OutgoingHttpHeaders }) {
  return headers === undefined ? {} : { headers };
}

/** The headers of an upgrade, with others put in their place. */
export function upgradeHeaders(others: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': Buffer.from('sixteen bytes ok').toString('base64'),
    ...others,
  };
}

/** A TCP connection that says `text` and never hangs up; `ended` is when the other side has. */
export function rawSocket(
  port: number,
  text: string,
): { socket: Socket; received: () => Buffer; ended: Promise<void> } {
  const chunks: Buffer[] = [];
  const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => {});
  socket.on('data', (chunk) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  socket.write(text);
  onTestFinished(() => {
    socket.destroy();
  });
  return { socket, received: () => Buffer.concat(chunks), ended };
}

/** The head of an upgrade as text. */
export function upgradeText(port: number, others: OutgoingHttpHeaders = {}): string {
  const headers = upgradeHeaders({ Host: `127.0.0.1:${port}`, ...others });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** The codes of the close frames in what a server sent: short, unmasked frames behind the head of the answer. */
export function closeCodes(received: Buffer): number[] {
  const codes: number[] = [];
  let at = received.indexOf('\r\n\r\n') + 4;
  while (at + 1 < received.length) {
    const length = (received[at + 1] ?? 0) & 0x7f;
    if (received[at] === 0x88) codes.push(received.readUInt16BE(at + 2));
    at += 2 + length;
  }
  return codes;
}
