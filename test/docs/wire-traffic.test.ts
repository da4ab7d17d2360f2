import { beforeAll, describe, expect, it } from 'vitest';
import { createBroker } from '../../broker.ts';
import { defName } from '../../docs/wire-schema.ts';
import type { MethodSpec } from '../../protocol/method.ts';
import { methods } from '../../protocol/methods.ts';
import { own } from '../e2e/support/cleanup.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/jwt.ts';
import { type Message, settle } from '../support/linked.ts';
import { components, create, loadSurfaceSchemas, text } from '../support/surfaces.ts';
import { base64, pcm, SOURCE } from '../support/voice.ts';
import { faults } from './wire-validator.ts';

/* Every request that a client may send, sent to a broker, and everything that crosses the wire held against the schema. */

const all = Object.entries<MethodSpec>(methods);

/** One frame that crossed the wire. */
interface Crossed {
  direction: 'fromClient' | 'fromBroker';
  frame: Message;
  /** Of an answer: the method that was asked. */
  asked: string | undefined;
}

/** A client of a broker, all of whose frames are written down. */
class Recorded {
  readonly crossed: Crossed[];
  readonly #link: ReturnType<ReturnType<typeof createBroker>['connect']>;
  readonly #waiting = new Map<number, (frame: Message) => void>();
  readonly #asked = new Map<string, string>();
  readonly #answers: Record<string, (params: Message) => unknown>;
  #id = 0;

  /** @param answers what it answers to the broker's requests. */
  constructor(
    broker: ReturnType<typeof createBroker>,
    crossed: Crossed[],
    answers: Record<string, (params: Message) => unknown> = {},
  ) {
    this.crossed = crossed;
    this.#answers = answers;
    this.#link = broker.connect();
    this.#link.open({ text: (line) => this.#heard(JSON.parse(line)), binary: () => {}, closed: () => {} });
  }

  /** Asks, and gives the answer's result. */
  async ask(method: string, params: object = {}): Promise<Message> {
    this.#id += 1;
    const id = this.#id;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.#asked.set(`mine ${id}`, method);
    this.tell({ id, method, params });
    const { result, error } = await answer;
    expect(error, method).toBeUndefined();
    return result;
  }

  /** Sends a frame that is no request. */
  tell(message: Message): void {
    const frame = { jsonrpc: '2.0', ...message };
    const asked = 'method' in frame ? undefined : this.#asked.get(`theirs ${frame.id}`);
    this.crossed.push({ direction: 'fromClient', frame, asked });
    this.#link.send(JSON.stringify(frame));
  }

  #heard(frame: Message): void {
    const asked = 'method' in frame ? undefined : this.#asked.get(`mine ${frame.id}`);
    this.crossed.push({ direction: 'fromBroker', frame, asked });
    if (!('method' in frame)) return void this.#waiting.get(frame.id)?.(frame);
    const answer = this.#answers[frame.method];
    if (frame.id === undefined || !answer) return;
    this.#asked.set(`theirs ${frame.id}`, frame.method);
    this.tell({ id: frame.id, result: answer(frame.params) });
  }

  newest(method: string): Message {
    return this.crossed.findLast(({ frame }) => frame.method === method)?.frame;
  }
}

const crossed: Crossed[] = [];

beforeAll(async () => {
  await loadSurfaceSchemas();
  const idp = await Issuer.create();
  const broker = createBroker({
    inspect: true,
    record: true,
    jwt: { issuer: ISSUER, audience: AUDIENCE, jwks: idp.jwks },
  });
  own(() => broker.close());
  const accept = () => ({ accepted: true });
  const manager = new Recorded(broker, crossed);
  const host = new Recorded(broker, crossed, { 'tools.execute': () => ({ found: 1 }) });
  const agent = new Recorded(broker, crossed, {
    'agent.chat': accept,
    'agent.chat.approve': () => ({ resolved: true }),
    'voice.transcribe.start': accept,
    'voice.transcribe.stop': accept,
    'voice.speak.start': accept,
  });

  await manager.ask('session.auth', { host_token: broker.tokens.host });
  const capabilities = ['voice.transcribe', 'voice.speak'];
  const { token } = await manager.ask('agents.upsert', { id: 'a', name: 'A', capabilities, metadata: { x: 1 } });
  const wish = { name: 'k', scopes: ['chat'], agents: ['a'], fronts: ['ws'], expires_in_ms: 60_000 };
  await manager.ask('keys.add', wish);
  const { token: bobs } = await manager.ask('keys.rotate', { name: 'k', keep_ms: 1_000 });
  await new Recorded(broker, crossed).ask('session.auth', { token: bobs });
  const at = Date.now();
  const ada = new Recorded(broker, crossed);
  // It ends within a minute, and so is told of at once.
  await ada.ask('session.auth', { jwt: await idp.token({ at, lastsS: 50 }) });
  await ada.ask('session.refresh', { jwt: await idp.token({ at, lastsS: 55 }) });
  await manager.ask('keys.list');
  await manager.ask('keys.remove', { name: 'k' });
  await host.ask('session.auth', { token: broker.tokens.daemon });
  await agent.ask('session.auth', { agent_id: 'a', token, resume: true });
  await agent.ask('agent.resume', { turns: [] });
  await host.ask('server.handshake', { protocol_version: 3 });
  await host.ask('host.subscribe');
  await manager.ask('inspect.subscribe', { deltas: true });

  // Tools, and a chat that uses one, asks for an approval, and is resumable and watched.
  await host.ask('session.init', { tools: [{ name: 'find', description: 'Finds', parameters: { type: 'object' } }] });
  await host.ask('tools.register', [{ name: 'other' }]);
  await host.ask('tools.list');
  await host.ask('tools.unregister', { name: 'other' });
  const chat = await host.ask('agents.chat', {
    agent_id: 'a',
    prompt: 'hi',
    session_id: 's',
    resume_window_ms: 60_000,
    context: { place: 'here' },
    goal: { check: 'done?' },
    attachments: [{ type: 'image_url', url: 'https://example.org/a.png' }],
  });
  let aseq = 0;
  const event = (fields: object) => {
    aseq += 1;
    const params = { session_id: 's', turn_id: chat.turn_id, aseq, ...fields };
    agent.tell({ method: 'agent.chat.event', params });
  };
  event({ kind: 'token', delta: 'a' });
  event({ kind: 'tool_call', tool: 'find', call_id: 'c', params: {} });
  await agent.ask('tools.execute', { session_id: 's', tool: 'find', parameters: { what: 'it' } });
  event({ kind: 'tool_result', tool: 'find', call_id: 'c', ok: true, excerpt: '1' });
  event({ kind: 'goal_evaluated', iteration: 1, met: true, grounded: true, reason: 'so' });
  event({ kind: 'todos', items: [] });
  event({ kind: 'approval_pending', approval_id: 'p', action: 'go on', deadline: 1 });
  await settle();
  await host.ask('agents.chat.approve', { session_id: 's', approval_id: 'p', decision: true });
  event({ kind: 'approval_resolved', approval_id: 'p', resolution: 'approve' });
  await manager.ask('agents.chat.subscribe', { session_id: 's', role: 'observer' });
  await manager.ask('agents.chat.unsubscribe', { session_id: 's' });
  await host.ask('agents.chat.sessions');
  await host.ask('agents.list');
  await host.ask('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 });
  event({ kind: 'done', finish_reason: 'stop', text: 'a' });

  await host.ask('goal.set', { session_id: 's', goal: { check: 'npm test', max_iterations: 3 } });
  await host.ask('goal.status', { session_id: 's' });
  await host.ask('goal.status');
  await host.ask('goal.clear', { session_id: 's' });

  // What hosts tell of themselves, and approvals of their own.
  const registered = await host.ask('host.register_agent', { name: 'n', kind: 'k', display: {}, metadata: {} });
  await host.ask('host.set_status', { agent_id: registered.id, status: 'running', current_task: 't', message: 'm' });
  await host.ask('host.agents');
  await host.ask('host.unregister_agent', { agent_id: registered.id });
  await host.ask('host.notify', { message: 'hello', payload: { a: 1 } });
  const { id: approval_id } = await host.ask('host.request_approval', { action: 'leave', details: { a: 1 } });
  await host.ask('host.approvals');
  await host.ask('host.resolve_approval', { approval_id, resolution: 'approve' });
  await host.ask('host.events', { limit: 50 });
  await manager.ask('broker.status');
  await manager.ask('inspect.unsubscribe');
  const { turns } = await manager.ask('inspect.turns', {});
  await manager.ask('inspect.turn', { turn_id: turns[0].turn_id });

  // Voice and meetings.
  await host.ask('voice.providers.list');
  const says = (fields: object) => agent.tell({ method: 'voice.event', params: fields });
  await host.ask('voice.transcribe_stream.start', { session_id: 'v', audio_source: SOURCE });
  const heard = agent.newest('voice.transcribe.start').params.stream_id;
  await host.ask('voice.transcribe_stream.push', { session_id: 'v', pcm_b64: base64(pcm(1, 2)) });
  await host.ask('voice.sessions.list');
  says({ stream_id: heard, type: 'partial', text: 'he' });
  says({ stream_id: heard, type: 'final', text: 'hello', start_ms: 0, end_ms: 5, speaker: 'x', confidence: 0.5 });
  const stopping = host.ask('voice.transcribe_stream.stop', { session_id: 'v' });
  await settle();
  says({ stream_id: heard, type: 'ended' });
  await stopping;
  await host.ask('voice.tts_stream.start', { stream_id: 't', text: 'good morning', options: { voice_id: 'en' } });
  await host.ask('voice.tts_stream.list');
  const spoken = agent.newest('voice.speak.start').params.stream_id;
  const audio = { audio_b64: base64(pcm(1, 2)), format: 'pcm' };
  says({ stream_id: spoken, type: 'tts_chunk', seq: 0, ...audio, is_final: false });
  await settle();
  await host.ask('voice.tts_stream.cancel', { stream_id: 't' });
  await host.ask('meeting.start', { id: 'm', title: 'Plans', audio_source: SOURCE });
  const meeting = agent.newest('voice.transcribe.start').params.stream_id;
  says({ stream_id: meeting, type: 'final', text: 'we begin', start_ms: 0, end_ms: 9 });
  await settle();
  await host.ask('meeting.list');
  await host.ask('meeting.get', { meeting_id: 'm' });
  const ending = host.ask('meeting.stop', { meeting_id: 'm' });
  await settle();
  says({ stream_id: meeting, type: 'ended' });
  await ending;

  // Memory and surfaces.
  await agent.ask('memory.add_fact', { subject: 'tea', body: 'green', kind: 'taste' });
  const { facts } = await agent.ask('memory.query', { query: 'tea' });
  expect(facts).toHaveLength(1);
  await agent.ask('memory.fact_count');
  await agent.ask('memory.delete', { id: facts[0].id });
  await host.ask('a2ui.capabilities');
  await host.ask('a2ui/subscribe');
  await host.ask('a2ui.apply', { envelope: create('one') });
  const parts = [create('two'), components('two', text('root', 'hello'))].map((data) => ({ data }));
  await host.ask('a2ui.ingest', { payload: { artifacts: [{ parts }] }, owner: { kind: 'a2a', taskId: 't' } });
  await host.ask('a2ui.surfaces');
  await host.ask('a2ui.get', { surfaceId: 'two' });
  await host.ask('a2ui/replay', { surfaceId: 'two' });
  const action = {
    name: 'go',
    surfaceId: 'one',
    sourceComponentId: 'b',
    timestamp: '2026-01-01T00:00:00Z',
    context: {},
  };
  await host.ask('a2ui.action', action);
  await host.ask('a2ui.reap');
  await host.ask('a2ui/unsubscribe');
  await manager.ask('agents.remove', { id: 'a' });
  await settle();
});

describe('the wire, held against its schema', () => {
  it('has every request that a client may send, and an answer to each', () => {
    const answered = new Set(crossed.filter(({ frame }) => 'result' in frame).map(({ asked }) => asked));
    const requests = all.filter(([, { direction, kind }]) => direction === 'in' && kind === 'request');
    expect(requests.map(([key, { name = key }]) => name).filter((name) => !answered.has(name))).toEqual([]);
  });

  it('has frames that fit, each in its direction', () => {
    const bad = crossed.filter(({ frame, direction }) => faults(frame, direction).length > 0);
    expect(bad.map(({ frame }) => JSON.stringify(frame).slice(0, 300))).toEqual([]);
  });

  it('has results that fit their method', () => {
    const bad = crossed.flatMap(({ frame, direction, asked }) => {
      if (!('result' in frame)) return [];
      const way = direction === 'fromBroker' ? 'in' : 'out';
      const entry = all.find(([key, spec]) => (spec.name ?? key) === asked && spec.direction === way);
      const found = entry ? faults(frame.result, `${defName(entry[0])}.result`) : ['nobody asked'];
      return found.length === 0 ? [] : [{ asked, result: JSON.stringify(frame.result).slice(0, 300), found }];
    });
    expect(bad).toEqual([]);
  });
});
