import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { own } from '../../../e2e/support/cleanup.ts';
import { rawFrame } from '../raw-frames.ts';
import { RawSocket, rawConnect } from '../raw-socket.ts';
import { INNOCENT } from './innocents.ts';
import type { MeteredDaemon, Reading } from './metered-daemon.ts';

/** Who somebody says to be; nobody, where it says nothing. */
export type Role = 'host' | 'manager' | 'agent' | 'stranger';

/** How long an attacker waits for an answer to what it has sent, where it is not closed. Milliseconds. */
const PATIENCE_MS = 20_000;

/** One client that means harm. Of what it is sent it keeps little. */
export class Attacker {
  readonly agentId: string | undefined;
  readonly #scene: Attack;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (answer: string | undefined) => void>();
  #ids = 0;
  /** Each message that it is sent; what it returns is sent back. */
  onMessage: (text: string) => string | undefined = () => undefined;

  constructor(scene: Attack, socket: WebSocket, agentId?: string) {
    this.#scene = scene;
    this.#socket = socket;
    this.agentId = agentId;
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) this.#read(data);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const settle of this.#waiting.values()) settle(undefined);
    });
  }

  get isClosed(): boolean {
    return this.#socket.readyState !== WebSocket.OPEN;
  }

  /** Writes one message, whatever it is. */
  send(message: string | Buffer, isBinary = false): void {
    this.#scene.note(message.length);
    if (!this.isClosed) this.#socket.send(message, { binary: isBinary });
  }

  notify(method: string, params: unknown): void {
    this.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** A part of a message, and never the rest. */
  sendPart(bytes: number): void {
    this.#scene.note(bytes);
    if (!this.isClosed) this.#socket.send(Buffer.alloc(bytes, 0x20), { fin: false, binary: false });
  }

  ping(): void {
    if (!this.isClosed) this.#socket.ping();
  }

  /** Sends a request. Settles with the text of its answer; undefined: it was closed. `params` is JSON. */
  ask(method: string, params = '{}'): Promise<string | undefined> {
    this.#ids += 1;
    const id = `a${this.#ids}`;
    this.send(`{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`);
    return this.answerTo(id);
  }

  /** Until an answer with this id is there. Undefined: it was closed. */
  answerTo(id: string): Promise<string | undefined> {
    if (this.isClosed) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${id}`)), PATIENCE_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(late);
        this.#waiting.delete(id);
        resolve(answer);
      });
    });
  }

  /** Until the daemon has dealt with all that was sent before, or has closed. */
  async settled(): Promise<void> {
    await this.ask('agents.chat.sessions');
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  leave(): void {
    this.#socket.terminate();
  }

  #read(data: Buffer): void {
    // Long ones are only looked at where an answer begins and ends.
    const text = data.toString('utf8', 0, Math.min(data.length, 4_096));
    const back = this.onMessage(text);
    if (back !== undefined) this.send(back);
    if (this.#waiting.size === 0) return;
    const [, id = ''] = /^\{"jsonrpc":"2\.0","id":"([^"]*)"/.exec(text) ?? [];
    this.#waiting.get(id)?.(text);
  }
}

/** One attack: who takes part, and the largest message of it. */
export class Attack {
  readonly metered: MeteredDaemon;
  /** How often it may do what it does: more in a long run. */
  readonly scale: number;
  /** Bytes of the largest message that it has sent. */
  largest = 0;
  readonly #attackers: Attacker[] = [];
  readonly #sockets: Socket[] = [];
  #names = 0;
  #before: Reading | undefined;

  constructor(metered: MeteredDaemon, scale = 1) {
    this.metered = metered;
    this.scale = scale;
  }

  /** What the daemon was before. */
  get before(): Reading {
    if (!this.#before) throw new Error('nothing is measured yet');
    return this.#before;
  }

  /** From now on it is measured. Once more, where those who suffer had to come first. */
  async begin(): Promise<void> {
    this.#before = await this.metered.begin();
  }

  note(bytes: number): void {
    this.largest = Math.max(this.largest, bytes);
  }

  async open(role: Role): Promise<Attacker> {
    const { daemon } = this.metered;
    const agentId = role === 'agent' ? this.name('mean') : undefined;
    const auth =
      role === 'agent'
        ? { agent_id: agentId, token: await daemon.register(agentId as string) }
        : role === 'manager'
          ? { host_token: daemon.tokens.host }
          : { token: daemon.tokens.daemon };
    const socket = new WebSocket(daemon.url, { perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
    own(() => socket.terminate());
    const attacker = new Attacker(this, socket, agentId);
    this.#attackers.push(attacker);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    if (role !== 'stranger') await attacker.ask('session.auth', JSON.stringify(auth));
    return attacker;
  }

  /** A name that nobody has had before. */
  name(what: string): string {
    this.#names += 1;
    return `${what}-${Attack.#serial}-${this.#names}`;
  }

  /** Bytes over TCP, and nothing is said about what they are. */
  connect(): Socket {
    const socket = rawConnect(this.metered.port);
    this.#sockets.push(socket);
    return socket;
  }

  /** A host whose frames all go out in one segment. */
  async segments(): Promise<(texts: readonly string[]) => void> {
    const raw = await RawSocket.open(this.metered.port);
    this.#sockets.push(raw.socket);
    const auth = { token: this.metered.daemon.tokens.daemon };
    const authenticated = new Promise<void>((resolve) => {
      raw.onText = () => resolve();
    });
    raw.sendTexts([JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'session.auth', params: auth })]);
    await authenticated;
    return (texts) => {
      for (const text of texts) this.note(text.length);
      raw.write(Buffer.concat(texts.map((text) => rawFrame(text))));
    };
  }

  /** A turn with an agent that accepts, says nothing, and never ends it. Gives its session's id. */
  async turn(host: Attacker, agent: Attacker): Promise<string> {
    const session = this.name('turn');
    agent.onMessage = (text) => {
      const id = /^\{"jsonrpc":"2\.0","id":("[^"]*"|\d+),"method":"agent\.chat"/.exec(text)?.[1];
      return id && `{"jsonrpc":"2.0","id":${id},"result":{"accepted":true}}`;
    };
    await host.ask('agents.chat', JSON.stringify({ agent_id: agent.agentId, prompt: 'x', session_id: session }));
    return session;
  }

  /** All of them are gone. */
  leave(): void {
    for (const attacker of this.#attackers) attacker.leave();
    for (const socket of this.#sockets) socket.destroy();
    Attack.#serial += 1;
  }

  static #serial = 0;
}

/** A chat with the innocent agent, as JSON. */
export const chatWithInnocent = (more = '') => `{"agent_id":"${INNOCENT}","prompt":"x"${more}}`;

/** An array of so many bytes, of one thing over and over, as JSON. */
export function manyOf(item: string, bytes: number): string {
  const count = Math.max(1, Math.floor(bytes / (item.length + 1)));
  return `[${`${item},`.repeat(count).slice(0, -1)}]`;
}

/** So long a rest, in which the daemon does what it does by itself. */
export const rest = (ms: number) => delay(ms);
