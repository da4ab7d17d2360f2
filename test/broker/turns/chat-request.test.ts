import { expect, test } from 'vitest';
import type { BrokerOptions } from '../../../broker.ts';
import { chatParams } from '../../../protocol/chat.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';

const PNG = { type: 'image_base64', data: 'AAAA', media_type: 'image/png' };

async function start(options: BrokerOptions = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  const agent = await linked.agent('echo');
  return { linked, host, agent };
}

test('agents.chat › when only the needed is given › then the agent is asked with the defaults, and nothing optional', async () => {
  const { linked, host, agent } = await start();
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi' });
  await settle();
  const chat = agent.lastChat();
  expect(chat).toEqual({
    jsonrpc: '2.0',
    id: expect.any(String),
    method: 'agent.chat',
    params: {
      session_id: expect.stringMatching(/^chat-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
      turn_id: expect.any(String),
      prompt: 'hi',
      stream: true,
      context: {
        host_client_id: expect.any(String),
        voice_input: false,
        tools: [],
        principal: { sub: 'local', tenant: 'default' },
      },
    },
  });
  expect(host.replyTo(id)).toBeUndefined();
  agent.answer(chat, { accepted: true });
  await settle();
  const { session_id, turn_id, context } = chat.params;
  expect(host.replyTo(id)).toEqual({ jsonrpc: '2.0', id, result: { accepted: true, session_id, turn_id } });
  const manager = await linked.manager();
  const { sessions } = await manager.ok('agents.chat.sessions');
  expect(sessions[0].host_client_id).toBe(context.host_client_id);
});

test('agents.chat › when everything is given › then the agent gets it as it came', async () => {
  const { host, agent } = await start();
  const given = {
    prompt: 'what is this?',
    session_id: 'S.1:a_b-c',
    conversation_id: 'C1',
    model: 'm',
    attachments: [PNG, { type: 'image_url', url: 'https://a.example/x.png', detail: 'low' }],
    goal: { check: 'done', max_iterations: 50 },
    stream: false,
  };
  host.post('agents.chat', { agent_id: 'echo', ...given, voice_input: true });
  await settle();
  const { turn_id: _turn, context, ...params } = agent.lastChat().params;
  expect(params).toEqual(given);
  expect(context.voice_input).toBe(true);
});

/** Fields of `agents.chat` that say what the broker is to do with it. Every other goes on to the agent. */
const BROKERS_OWN = ['agent_id', 'session_id', 'voice_input', 'context', 'on_busy', 'resume_window_ms', 'resume_token'];

test('agents.chat › when the schema has a field › then it is the broker’s own, or the agent gets it', async () => {
  const { host, agent } = await start();
  const fields = Object.keys(chatParams.shape).filter((name) => !BROKERS_OWN.includes(name));
  const values: Record<string, unknown> = {
    stream: false,
    attachments: [PNG],
    goal: { check: 'c', max_iterations: 2 },
  };
  const given = Object.fromEntries(fields.map((name) => [name, values[name] ?? name]));
  host.post('agents.chat', { agent_id: 'echo', ...given });
  await settle();
  expect(agent.lastChat().params).toMatchObject(given);
});

test.each([
  [0, 1],
  [-7, 1],
  [51, 50],
  [1_000_000, 50],
  [null, 8],
])('agents.chat › when max_iterations is %j › then the agent gets %j', async (max_iterations, read) => {
  const linked = startLinked();
  const [host, agent] = [await linked.host(), await linked.agent('echo')];
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', goal: { check: 'done', max_iterations } });
  await settle();
  expect(agent.lastChat().params.goal).toEqual({ check: 'done', max_iterations: read });
});

test('agents.chat › when all that may be left out is null › then it opens as if it were not there', async () => {
  const linked = startLinked();
  const [host, agent] = [await linked.host(), await linked.agent('echo')];
  const names = ['session_id', 'conversation_id', 'stream', 'voice_input', 'model', 'attachments', 'goal', 'context'];
  const none = Object.fromEntries(
    [...names, 'on_busy', 'resume_window_ms', 'resume_token'].map((name) => [name, null]),
  );
  host.post('agents.chat', { ...none, agent_id: 'echo', prompt: 'hi' });
  await settle();
  const { params } = agent.lastChat();
  expect(params).toMatchObject({ stream: true, context: { voice_input: false } });
  for (const name of ['conversation_id', 'model', 'attachments', 'goal'])
    expect(Object.keys(params)).not.toContain(name);
  // What is passed on as it came keeps its nulls.
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', context: { a: null, b: [null] } });
  await settle();
  expect(agent.lastChat().params.context).toMatchObject({ a: null, b: [null] });
});

test('agents.chat › when a goal has no max_iterations › then the agent gets eight', async () => {
  const { host, agent } = await start();
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', goal: { check: 'done' } });
  await settle();
  expect(agent.lastChat().params.goal).toEqual({ check: 'done', max_iterations: 8 });
});

test('agents.chat › when the context has keys of the broker › then the broker’s win and the host’s others stay, __proto__ too', async () => {
  const { host, agent } = await start();
  const context = '{"a":{"b":[1]},"__proto__":{"x":1},"host_client_id":"me","voice_input":true,"tools":[1]}';
  host.send(
    `{"jsonrpc":"2.0","id":"x","method":"agents.chat","params":{"agent_id":"echo","prompt":"hi","context":${context}}}`,
  );
  await settle();
  const sent = agent.lastChat().params.context;
  expect(sent).toMatchObject({ a: { b: [1] }, voice_input: false, tools: [] });
  expect(sent.host_client_id).not.toBe('me');
  expect(Object.getOwnPropertyDescriptor(sent, '__proto__')?.value).toEqual({ x: 1 });
});

test('agents.chat › when many are open › then each agent.chat has an id and a turn_id of its own', async () => {
  const { host, agent } = await start();
  for (let n = 0; n < 20; n += 1) host.post('agents.chat', { agent_id: 'echo', prompt: 'hi' });
  await settle();
  const chats = agent.received('agent.chat');
  expect(new Set(chats.map((chat) => chat.id)).size).toBe(20);
  expect(new Set(chats.map((chat) => chat.params.turn_id)).size).toBe(20);
  expect(new Set(chats.map((chat) => chat.params.session_id)).size).toBe(20);
});

test.each(['__proto__', 'constructor', 'toString', 'a'.repeat(128), '...', ':'])(
  'agents.chat › when the session id is %s › then it is an ordinary one',
  async (session_id) => {
    const { host, agent } = await start();
    const request = `{"jsonrpc":"2.0","id":1,"method":"agents.chat","params":{"agent_id":"echo","prompt":"hi","session_id":"${session_id}"}}`;
    host.send(request);
    await settle();
    agent.answer(agent.lastChat(), { accepted: true });
    agent.emit(session_id, { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(host.events()).toMatchObject([{ session_id, kind: 'done', seq: 1 }]);
  },
);

const invalid: [path: string, params: object][] = [
  ['agent_id', { agent_id: undefined }],
  ['agent_id', { agent_id: '' }],
  ['agent_id', { agent_id: 'a b' }],
  ['agent_id', { agent_id: 'a:b' }],
  ['agent_id', { agent_id: 'a'.repeat(129) }],
  ['agent_id', { agent_id: 7 }],
  ['prompt', { prompt: undefined }],
  ['prompt', { prompt: 1 }],
  ['prompt', { prompt: null }],
  ['session_id', { session_id: '' }],
  ['session_id', { session_id: 'a/b' }],
  ['session_id', { session_id: 'ä' }],
  ['session_id', { session_id: 'a\n' }],
  ['session_id', { session_id: 'a'.repeat(129) }],
  ['session_id', { session_id: 7 }],
  ['conversation_id', { conversation_id: 'a b' }],
  ['stream', { stream: 'yes' }],
  ['voice_input', { voice_input: 1 }],
  ['model', { model: {} }],
  ['attachments', { attachments: {} }],
  ['attachments.0.type', { attachments: [{ type: 'file' }] }],
  ['attachments.0.data', { attachments: [{ ...PNG, data: undefined }] }],
  ['attachments.1.media_type', { attachments: [PNG, { ...PNG, media_type: 'image/svg+xml' }] }],
  ['attachments.0.url', { attachments: [{ type: 'image_url', url: 'file:///etc/passwd' }] }],
  ['attachments.0.url', { attachments: [{ type: 'image_url', url: 'javascript:alert(1)' }] }],
  ['attachments.0.detail', { attachments: [{ type: 'image_url', url: 'http://a', detail: 1 }] }],
  ['goal', { goal: 'done' }],
  ['goal.check', { goal: {} }],
  ['goal.max_iterations', { goal: { check: 'c', max_iterations: '8' } }],
  ['goal.max_iterations', { goal: { check: 'c', max_iterations: 1.5 } }],
  ['context', { context: [] }],
  ['context', { context: 7 }],
  ['on_busy', { on_busy: 'wait' }],
  ['resume_window_ms', { resume_window_ms: -1 }],
  ['resume_window_ms', { resume_window_ms: 0.5 }],
];
test.each(invalid)(
  'agents.chat › when %s is wrong (%j) › then -32602 names it, and the agent hears nothing',
  async (path, params) => {
    const { host, agent } = await start();
    const reply = await host.call('agents.chat', { agent_id: 'echo', prompt: 'hi', ...params });
    expect(reply.error.code).toBe(-32602);
    expect(reply.error.data.issues).toEqual([{ path, message: expect.any(String) }]);
    expect(agent.received('agent.chat')).toEqual([]);
  },
);

test('agents.chat › when several fields are wrong › then -32602 names every one', async () => {
  const { host } = await start();
  const reply = await host.call('agents.chat', { prompt: 1, stream: 2, goal: { max_iterations: 9.9 } });
  const paths = reply.error.data.issues.map((issue: { path: string }) => issue.path);
  expect(paths.sort()).toEqual(['agent_id', 'goal.check', 'goal.max_iterations', 'prompt', 'stream']);
});

test('agents.chat › when fields are wrong and the state is too › then -32602 comes first', async () => {
  const { host, agent } = await start();
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  expect((await host.call('agents.chat', { agent_id: 'nobody', prompt: 1 })).error.code).toBe(-32602);
  expect((await host.call('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 1 })).error.code).toBe(-32602);
});

test('agents.chat › when the agent is unknown, or known but not attached › then -32011 with its id', async () => {
  const { linked, host, agent } = await start({ limits: { agentWaitMs: 0 } });
  linked.broker.upsertAgent({ id: 'asleep' });
  agent.close();
  await settle();
  for (const agent_id of ['nobody', 'asleep', 'echo', '__proto__']) {
    const { error } = await host.call('agents.chat', { agent_id, prompt: 'hi' });
    expect(error).toMatchObject({ code: -32011, data: { agent_id } });
  }
  expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
});

test('agents.chat › when it is sent as a notification › then the turn runs, and no reply ever comes', async () => {
  const { host, agent } = await start();
  host.notify('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(host.events()).toMatchObject([{ kind: 'done', seq: 1 }]);
  expect(host.frames.filter((frame) => frame.method === undefined)).toHaveLength(1);
});

test('agents.chat › when a notification of it fails › then nobody is answered, and it is counted', async () => {
  const { linked, host, agent } = await start();
  host.notify('agents.chat', { agent_id: 'nobody', prompt: 'hi' });
  host.notify('agents.chat', { agent_id: 'echo' });
  host.notify('agents.chat', { agent_id: 'echo', prompt: 'hi' });
  await settle();
  agent.answer(agent.lastChat(), { accepted: false });
  await settle();
  expect(host.frames).toHaveLength(1);
  expect(await readDrops(linked.broker)).toEqual({ failed_notification: 3 });
});

test('agents.chat › when an agent opens one with another agent › then it is that turn’s host', async () => {
  const { linked, agent } = await start();
  const other = await linked.agent('other');
  await openChat(other, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit(agent.lastChat().params.session_id, { kind: 'token', delta: 'a' });
  await settle();
  expect(other.events()).toMatchObject([{ session_id: 's', agent_id: 'echo', delta: 'a', seq: 1 }]);
  expect(await other.ok('agents.chat.cancel', { session_id: 's' })).toEqual({ cancelled: true, session_id: 's' });
  expect(other.events().at(-1)).toMatchObject({ kind: 'done', synthesized: true });
});

test('agents.chat › when an agent opens one with itself › then it is both sides, and its disconnect ends the turn', async () => {
  const { linked, agent } = await start();
  await openChat(agent, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit(agent.lastChat().params.session_id, { kind: 'token', delta: 'a' });
  await settle();
  expect(agent.events()).toMatchObject([{ delta: 'a', seq: 1 }]);
  agent.close();
  await settle();
  const manager = await linked.manager();
  expect(await manager.ok('agents.chat.sessions')).toEqual({ sessions: [] });
});

test('agents.chat › when a connection has as many turns as it may › then -32020 names the limit, for queued ones too', async () => {
  const linked = startLinked({ limits: { maxTurnsPerConnection: 2 } });
  const host = await linked.host();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 'a' });
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'a', on_busy: 'queue' });
  const { error } = await host.call('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'b' });
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_turns_per_connection', value: 2 } } });
  const again = { agent_id: 'echo', prompt: 'hi', session_id: 'a', on_busy: 'queue' };
  expect((await host.call('agents.chat', again)).error.code).toBe(-32020);
  const other = await linked.host();
  expect(await openChat(other, agent, { agent_id: 'echo', session_id: 'b' })).toMatchObject({ accepted: true });
  agent.emit('a', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(await openChat(host, agent, { agent_id: 'echo', session_id: 'c' })).toMatchObject({ accepted: true });
});
