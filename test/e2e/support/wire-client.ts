import { type ClientOptions, WebSocket } from 'ws';
import { type AudioFrame, decodeAudioFrame } from '../../../protocol/audio-frame.ts';
import { own } from './cleanup.ts';

/** A JSON-RPC message as a test reads it. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
export type Message = any;

/** How a socket was closed. */
export interface Closed {
  code: number;
  reason: string;
}

const TERMINALS = new Set(['done', 'error', 'auth_required']);

/** A client made by hand on a real socket: writes any text, and keeps every frame that it was sent, in order. */
export class WireClient {
  readonly socket: WebSocket;
  readonly frames: Message[] = [];
  /** Every binary frame, in order; undefined where it was malformed. */
  readonly binaries: (AudioFrame | undefined)[] = [];
  readonly closed: Promise<Closed>;
  #end: Closed | undefined;
  #ids = 0;
  readonly #answered = new Set<unknown>();
  readonly #watching = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.binaries.push(decodeAudioFrame(data as Buffer));
      else this.frames.push(JSON.parse(data.toString()));
      this.#look();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#end = { code, reason: reason.toString() };
        resolve(this.#end);
        this.#look();
      });
    });
    own(() => socket.terminate());
  }

  /** Resolves when the WebSocket is up; rejects with what refused it. */
  static open(url: string, options: ClientOptions = {}): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, options);
      const client = new WireClient(socket);
      socket.once('open', () => resolve(client));
      socket.once('error', reject);
    });
  }

  /** Waits until something is there: looks now, and after each frame. Fails where the socket is closed first. */
  when<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = look();
        if (found !== undefined) resolve(found);
        else if (!this.#end) return;
        else reject(new Error(`closed with ${this.#end.code}; received ${JSON.stringify(this.frames).slice(-2_000)}`));
        this.#watching.delete(check);
      };
      this.#watching.add(check);
      check();
    });
  }

  /** Writes one frame: a string as it is, anything else as JSON. */
  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  notify(method: string, params?: unknown): void {
    this.send({ jsonrpc: '2.0', method, params });
  }

  /** Sends a request and leaves; the id is for {@link replyTo}. */
  post(method: string, params?: unknown): number {
    this.#ids += 1;
    this.send({ jsonrpc: '2.0', id: this.#ids, method, params });
    return this.#ids;
  }

  /** The whole answer to a request. */
  replyTo(id: unknown): Promise<Message> {
    return this.when(() => this.frames.find((frame) => frame.id === id && frame.method === undefined));
  }

  call(method: string, params?: unknown): Promise<Message> {
    return this.replyTo(this.post(method, params));
  }

  /** The result of a request that must succeed. */
  async ok(method: string, params?: unknown): Promise<Message> {
    const { error, result } = await this.call(method, params);
    if (error) throw new Error(`${method} failed: ${JSON.stringify(error)}`);
    return result;
  }

  /** Waits until the broker has dealt with all that this client sent before. */
  async settled(): Promise<void> {
    await this.ok('agents.list', {});
  }

  received(method: string): Message[] {
    return this.frames.filter((frame) => frame.method === method);
  }

  /** As an agent: the next unanswered `agent.chat` of a session, by its host's name for it. */
  chatRequest(sessionId: string): Promise<Message> {
    const isIt = (name: string) => name === sessionId || name.replace(/:[a-z2-7]{13}$/, '') === sessionId;
    return this.when(() =>
      this.received('agent.chat').find(({ id, params }) => isIt(params.session_id) && !this.#answered.has(id)),
    );
  }

  /** Answers a request of the broker's with a result, or with an error. */
  answer(request: Message, result: unknown, error?: unknown): void {
    this.#answered.add(request.id);
    this.send({ jsonrpc: '2.0', id: request.id, ...(error === undefined ? { result } : { error }) });
  }

  /** As an agent: streams one event. */
  emit(sessionId: string, event: object): void {
    this.notify('agent.chat.event', { session_id: sessionId, ...event });
  }

  /** As an agent: the reasons of the cancels that came for a turn. */
  cancels(turnId: string): string[] {
    const all = this.received('agent.chat.cancel').map(({ params }) => params);
    return all.filter(({ turn_id }) => turn_id === turnId).map(({ reason }) => reason);
  }

  /** As a host: the events of a turn. */
  events(turnId: string): Message[] {
    const all = this.received('agents.chat.event').map(({ params }) => params);
    return all.filter(({ turn_id }) => turn_id === turnId);
  }

  /** As a host: waits for an event of a turn. */
  event(turnId: string, matches: (event: Message) => boolean): Promise<Message> {
    return this.when(() => this.events(turnId).find(matches));
  }

  /** As a host: waits for the end of a turn. */
  terminal(turnId: string): Promise<Message> {
    return this.event(turnId, ({ kind }) => TERMINALS.has(kind));
  }

  /** Closes as a well-behaved client does. */
  close(): void {
    this.socket.close(1000);
  }

  #look(): void {
    for (const check of [...this.#watching]) check();
  }
}
