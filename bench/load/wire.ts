import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { clientFrame, Opcode } from './client-frame.ts';
import { FrameReader } from './frame-reader.ts';

/** A control message: everything that is no delta. */
export interface Message {
  id?: number | string;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: checked where it is used, and any surprise ends the benchmark
  params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  result?: any;
  error?: { code: number; message: string; data?: { retry_after_ms?: number } };
}

/** A request that was refused. */
export class Refused extends Error {
  /** How long to wait, where the broker said so (`-32020`). */
  readonly retryAfterMs: number | undefined;

  constructor(method: string, error: NonNullable<Message['error']>) {
    super(`${method}: ${error.code} ${error.message}`);
    this.retryAfterMs = error.data?.retry_after_ms;
  }
}

/** What all connections read into: a chunk is worked off before the next one is read. */
const SHARED = Buffer.allocUnsafe(256 * 1024);

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  method: string;
}

/**
 * A WebSocket client of raw TCP: hand-made frames out, a cheap reader in. A connection that goes although nobody closed
 * it throws: then nothing that was measured is worth anything.
 */
export class Wire {
  /** Takes a text frame's bytes first; true where that was all. */
  onText: ((data: Buffer, start: number, end: number) => boolean) | undefined;
  /** Takes what remains: requests, notifications, and answers that nobody asked for. */
  onMessage: ((message: Message) => void) | undefined;
  /** Called when all frames of a chunk have been taken. */
  onChunk: (() => void) | undefined;
  readonly #socket: Socket;
  readonly #reader = new FrameReader((opcode, data, start, end) => this.#frame(opcode, data, start, end));
  readonly #pending = new Map<number | string, Pending>();
  /** Collects the server's answer to the upgrade. */
  #head = '';
  #opened: (() => void) | undefined;
  #isClosed = false;
  #lastId = 0;

  private constructor(url: string) {
    const { hostname, port } = new URL(url);
    const onread = { buffer: SHARED, callback: (bytes: number) => this.#read(bytes) };
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      if (!this.#isClosed) throw new Error(`a connection to ${url} was lost`);
    });
    const head = [
      'GET / HTTP/1.1',
      `Host: ${hostname}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
    ];
    this.#socket.write(`${head.join('\r\n')}\r\n\r\n`);
  }

  /** Connects. */
  static open(url: string): Promise<Wire> {
    const wire = new Wire(url);
    return new Promise((resolve) => {
      wire.#opened = () => resolve(wire);
    });
  }

  /** Sends ready-made frames. */
  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** Sends one message. */
  send(message: Message): void {
    this.write(clientFrame(JSON.stringify({ jsonrpc: '2.0', ...message })));
  }

  /** Sends a request and waits for its result. Rejects with {@link Refused}. */
  // biome-ignore lint/suspicious/noExplicitAny: see Message
  call(method: string, params: object): Promise<any> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.send({ id, method, params });
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject, method }));
  }

  /** Goes, without a word. */
  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #read(bytes: number): boolean {
    if (this.#isClosed) return true;
    const chunk = SHARED.subarray(0, bytes);
    if (this.#opened) this.#readHead(chunk);
    else this.#reader.push(chunk);
    this.onChunk?.();
    return true;
  }

  #readHead(chunk: Buffer): void {
    this.#head += chunk.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!this.#head.startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${this.#head.slice(0, end)}`);
    this.#opened?.();
    this.#opened = undefined;
    this.#reader.push(Buffer.from(this.#head.slice(end + 4), 'latin1'));
    this.#head = '';
  }

  #frame(opcode: number, data: Buffer, start: number, end: number): void {
    if (opcode === Opcode.Text) {
      if (!this.onText?.(data, start, end)) this.#message(JSON.parse(data.toString('utf8', start, end)));
    } else if (opcode === Opcode.Ping) this.write(clientFrame(data.subarray(start, end), Opcode.Pong));
    else if (opcode === Opcode.Close) throw new Error(`closed with ${data.readUInt16BE(start)}`);
  }

  #message(message: Message): void {
    const { id, method, result, error } = message;
    const pending = method === undefined && id !== undefined ? this.#pending.get(id) : undefined;
    if (!pending || id === undefined) {
      this.onMessage?.(message);
      return;
    }
    this.#pending.delete(id);
    if (error) pending.reject(new Refused(pending.method, error));
    else pending.resolve(result);
  }
}
