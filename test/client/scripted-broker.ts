import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A message as the script sees and writes it. */
export interface Message {
  id?: string | number;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a script looks into whatever was sent.
  params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  result?: any;
  error?: { code: number; message: string; data?: unknown };
}

/** Hands out what was put in, in order; who asks first waits. */
class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }
  take(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }
}

/** The broker's end of one real connection, played line by line by a test. */
export class Wire {
  readonly #socket: WebSocket;
  readonly #inbox = new Mailbox<Message>();
  readonly closed: Promise<unknown>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    socket.on('message', (data) => this.#inbox.put(JSON.parse(data.toString())));
  }

  /** The next message, which must be this method's (or an answer, without a method). */
  async receive(method?: string): Promise<Message> {
    const message = await this.#inbox.take();
    if (message.method !== method) throw new Error(`expected ${method}, got ${JSON.stringify(message)}`);
    return message;
  }

  /** What has arrived by the time the client has answered a ping of ours: nothing can still be under way. */
  async settled(): Promise<readonly Message[]> {
    this.send({ id: 'sync', method: 'test.sync', params: {} });
    const seen: Message[] = [];
    for (;;) {
      const message = await this.#inbox.take();
      if (message.id === 'sync') return seen;
      seen.push(message);
    }
  }

  /** Sends messages so that they arrive in one packet. */
  send(...messages: Message[]): void {
    const { _socket: tcp } = this.#socket as unknown as { _socket: { cork(): void; uncork(): void } };
    tcp.cork();
    for (const message of messages) this.#socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
    tcp.uncork();
  }

  raw(text: string | Buffer): void {
    this.#socket.send(text);
  }
  close(code: number, reason = ''): void {
    this.#socket.close(code, reason);
  }
  terminate(): void {
    this.#socket.terminate();
  }
  /** Resolves when the client has answered it. */
  async ping(): Promise<void> {
    this.#socket.ping();
    await once(this.#socket, 'pong');
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** Lets `session.auth` in. */
  async authenticate(result: object = {}): Promise<Message> {
    const request = await this.receive('session.auth');
    this.send({ id: request.id as number, result: { ok: true, auth_enabled: true, ...result } });
    return request;
  }

  /** Answers each request by its method's handler from now on; a handler may throw `{code, message}`. */
  async serve(handlers: Record<string, (params: Message['params'], wire: Wire) => unknown>): Promise<void> {
    for (;;) {
      const { id, method, params } = await this.#inbox.take();
      if (method === undefined || id === undefined) continue;
      try {
        this.send({ id, result: handlers[method]?.(params, this) ?? null });
      } catch (error) {
        this.send({ id, error: error as { code: number; message: string } });
      }
    }
  }
}

/** A WebSocket server whose every move is a test's. */
export class ScriptedBroker {
  readonly url: string;
  readonly #server: WebSocketServer;
  readonly #connections = new Mailbox<Wire>();

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#connections.put(new Wire(socket)));
  }

  static async start(port = 0): Promise<ScriptedBroker> {
    const server = new WebSocketServer({ host: '127.0.0.1', port });
    await once(server, 'listening');
    return new ScriptedBroker(server);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The next connection. */
  accept(): Promise<Wire> {
    return this.#connections.take();
  }

  /** Cuts every connection and stops listening. */
  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
