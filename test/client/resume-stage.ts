import { expect } from 'vitest';
import {
  type Chat,
  type ChatEvent,
  type ChatOptions,
  connectHost,
  type Host,
  type HostOptions,
  type Interruption,
} from '../../client/node.ts';
import { deferred } from './real-broker.ts';
import { type Message, ScriptedBroker, type Wire } from './scripted-broker.ts';

/** Waits that take no time. */
export const soon = { minMs: 1, maxMs: 2 };
/** The turn that is resumed. */
export const TURN = { session_id: 's', turn_id: 't1', agent_id: 'echo' };

/** A scripted broker, and a host whose connections come one after the other. */
export class ResumeStage {
  broker!: ScriptedBroker;
  host!: Host;
  /** The host's first connection. */
  wire!: Wire;

  async start(): Promise<void> {
    this.broker = await ScriptedBroker.start();
  }

  async stop(): Promise<void> {
    await this.host.close();
    await this.broker.stop();
  }

  async connect(options: Partial<HostOptions> = {}): Promise<void> {
    const connecting = connectHost({ url: this.broker.url, token: 'secret', ...options });
    this.wire = await this.broker.accept();
    await this.wire.authenticate();
    this.host = await connecting;
  }

  /** A chat that its agent has taken, in a turn that can be resumed. @param cap the longest window there is. */
  async open(options: ChatOptions = {}, cap = 600_000) {
    const { host, wire } = this;
    const chat = host.chat('echo', 'hello', { sessionId: 's', resumable: true, ...options });
    await shakeHands(wire, cap);
    const { id, params } = await wire.receive('agents.chat');
    wire.send({ id: id as number, result: { accepted: true, session_id: 's', turn_id: 't1', resume_token: 'r' } });
    return { chat, params };
  }

  /** The next connection, which must ask for the turn. @param result what it is told; undefined: nothing yet. */
  async reconnect(result: object | undefined, ...events: Message[]) {
    const next = await this.broker.accept();
    await next.authenticate();
    const { id, params } = await next.receive('agents.chat.subscribe');
    if (result) next.send({ id: id as number, result: resumed(result) }, ...events);
    return { next, id: id as number, params };
  }
}

/** An answer to `agents.chat.subscribe`. */
export const resumed = (fields: object) => ({
  ...TURN,
  status: 'streaming',
  head: 0,
  recovered: true,
  pending_approvals: [],
  ...fields,
});

/** Answers the question for the limits. */
export async function shakeHands(wire: Wire, windowMs: number): Promise<void> {
  const { id, params } = await wire.receive('server.handshake');
  expect(params).toEqual({ protocol_version: 3 });
  wire.send({ id: id as number, result: { protocol_version: 3, limits: { resume_window_ms: windowMs } } });
}

export const event = (seq: number, fields: object): Message => ({
  method: 'agents.chat.event',
  params: { ...TURN, seq, ...fields },
});
export const token = (seq: number, delta: string, fields: object = {}) =>
  event(seq, { kind: 'token', delta, ...fields });
export const done = (seq: number, fields: object = {}) =>
  event(seq, { kind: 'done', finish_reason: 'stop', ...fields });

/** What a chat tells of its connection. */
export function interruptions() {
  const states: Interruption[] = [];
  const waiting = deferred();
  const onInterruption = (interruption: Interruption) => {
    states.push(interruption);
    if (interruption.state === 'waiting') waiting.resolve();
  };
  return { states, waiting: waiting.promise, onInterruption };
}

export const word = (event: ChatEvent) => (event.kind === 'token' ? event.delta : event.kind);
export async function read(chat: Chat): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of chat) seen.push(word(event));
  return seen;
}

/** What reading throws. */
export const failure = (chat: Chat): Promise<unknown> =>
  read(chat).then(
    () => undefined,
    (error: unknown) => error,
  );
