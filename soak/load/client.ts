import { WebSocket } from 'ws';
import type { Ledger } from './ledger.ts';

/** What is inside a message. */
// biome-ignore lint/suspicious/noExplicitAny: checked where it is used; whatever does not fit is a breach
export type Fields = any;

/** An answer to a request; `code` where it is an error, 0 where it is a result. */
export interface Reply {
  code: number;
  result?: Fields;
  error?: Fields;
}

/** The connection went before the answer came. Whoever ended it on purpose knows what to do. */
export const GONE: Reply = { code: -1 };

/** How long an answer may take on a busy machine. Milliseconds. */
const ANSWER_WITHIN = 45_000;
const TICK = 5_000;
/** How long it is tried to connect. Milliseconds. */
const ACCEPTED_WITHIN = 300_000;

interface Pending {
  method: string;
  ticks: number;
  resolve(reply: Reply): void;
}

/** One WebSocket: sends what it is told, and takes notice of every answer that does not come, or comes twice. */
export class Client {
  /** Connections of this process that are open. */
  static open = 0;
  onRequest: (id: unknown, method: string, params: Fields) => void = () => {};
  onNotification: (method: string, params: Fields) => void = () => {};
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** Close codes that are no surprise; all are, once it was ended from here. */
  readonly expected = new Set<number>();
  /** Answers with `id: null` that are still due. */
  unnamed = 0;
  readonly #name: string;
  readonly #socket: WebSocket;
  readonly #ledger: Ledger;
  readonly #pending = new Map<number, Pending>();
  #ids = 0;
  #isEnding = false;

  private constructor(socket: WebSocket, name: string, ledger: Ledger) {
    this.#socket = socket;
    this.#name = name;
    this.#ledger = ledger;
    Client.open += 1;
    const timer = setInterval(() => this.#look(), TICK);
    socket.on('message', (data) => this.#message(data.toString()));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', (code) => {
        Client.open -= 1;
        clearInterval(timer);
        if (!this.#isEnding && !this.expected.has(code)) ledger.breach(`${name} was closed with ${code}`);
        if (this.unnamed > 0 && !this.#isEnding) ledger.breach(`${name}: ${this.unnamed} refusals did not come`);
        for (const { resolve: settle } of this.#pending.values()) settle(GONE);
        this.#pending.clear();
        resolve(code);
      });
    });
  }

  /** Connects; with credentials, also authenticates. A daemon that lacks the machine's time may be late to accept. */
  static async connect(url: string, name: string, ledger: Ledger, credentials?: object): Promise<Client> {
    let client: Client | undefined;
    for (const until = Date.now() + ACCEPTED_WITHIN; !client; ) {
      client = await Client.#open(url, name, ledger).catch((error: Error) => {
        if (Date.now() > until) throw error;
        ledger.count('connections not accepted in time');
        return undefined;
      });
    }
    ledger.count('connections');
    if (credentials) {
      const { code } = await client.call('session.auth', credentials);
      if (code !== 0) ledger.breach(`${name} was refused with ${code}`);
    }
    return client;
  }

  static #open(url: string, name: string, ledger: Ledger): Promise<Client> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(new Client(socket, name, ledger)));
      socket.once('error', reject);
    });
  }

  /**
   * Sends a request. Never rejects: see {@link GONE}.
   * @param settled hears of the answer before anything that came after it.
   */
  call(method: string, params: object = {}, settled: (reply: Reply) => void = () => {}): Promise<Reply> {
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((answer) => {
      const resolve = (reply: Reply) => {
        settled(reply);
        answer(reply);
      };
      if (this.#socket.readyState !== WebSocket.OPEN) return resolve(GONE);
      this.#ledger.count('requests');
      this.#pending.set(id, { method, ticks: 0, resolve });
      this.send({ id, method, params });
    });
  }

  notify(method: string, params: object): void {
    this.send({ method, params });
  }

  send(message: object): void {
    this.write(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** Writes a frame as it is: text, or bytes as a binary one. */
  write(frame: string | Buffer): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /** Whether it is closed for good. */
  get isOver(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  /** Bytes that wait to be written. */
  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Leaves as a well-behaved client does. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#socket.close(1000);
    await this.closed;
  }

  /** Goes without a word. */
  async cut(): Promise<void> {
    this.#isEnding = true;
    this.#socket.terminate();
    await this.closed;
  }

  #message(text: string): void {
    const { id, method, params, result, error } = JSON.parse(text) as Fields;
    if (method !== undefined) {
      if (id === undefined) this.onNotification(method, params);
      else this.onRequest(id, method, params);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending) {
      this.#pending.delete(id);
      pending.resolve(error ? { code: error.code, error } : { code: 0, result });
    } else if (id === null && this.unnamed > 0) this.unnamed -= 1;
    else this.#ledger.breach(`${this.#name} received an answer to nothing, or another one: ${text.slice(0, 200)}`);
  }

  #look(): void {
    for (const [id, pending] of this.#pending) {
      pending.ticks += 1;
      if (pending.ticks * TICK <= ANSWER_WITHIN) continue;
      this.#pending.delete(id);
      this.#ledger.breach(`${this.#name}: ${pending.method} was not answered within ${ANSWER_WITHIN} ms`);
      pending.resolve(GONE);
    }
  }
}
