import { expect, test } from 'vitest';
import type { BrokerOptions } from '../../../broker.ts';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';

const DONE = { kind: 'done', finish_reason: 'stop' };

/** A session `s` with a live turn. */
async function busy(limits: BrokerOptions['limits'] = {}) {
  const linked = startLinked({ limits });
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const first = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  return { linked, host, agent, first };
}

const request = (on_busy?: string, more: Message = {}) => ({
  agent_id: 'echo',
  prompt: 'again',
  session_id: 's',
  ...(on_busy ? { on_busy } : {}),
  ...more,
});
const code = async (client: LinkedClient, params: Message) => (await client.call('agents.chat', params))?.error?.code;
const prompts = (agent: LinkedClient) => agent.received('agent.chat').map((frame) => frame.params.prompt);
const cancels = (agent: LinkedClient) => agent.received('agent.chat.cancel').map((frame) => frame.params.reason);

test.each([undefined, 'reject'])(
  'agents.chat › when the session is busy and on_busy is %s › then -32010, and the live turn goes on',
  async (on_busy) => {
    const { linked, host, agent } = await busy();
    expect(await code(host, request(on_busy))).toBe(-32010);
    expect(await code(await linked.host(), request(on_busy))).toBe(-32010);
    agent.emit('s', DONE);
    await settle();
    expect(host.events('s')).toMatchObject([{ kind: 'done', seq: 1 }]);
    expect(prompts(agent)).toEqual(['hi']);
  },
);

test.each(['replace', 'queue'])(
  'agents.chat › when another host would %s › then -32015, and the live turn goes on',
  async (on_busy) => {
    const { linked, host, agent } = await busy();
    expect(await code(await linked.host(), request(on_busy))).toBe(-32015);
    expect(await code(await linked.manager(), request(on_busy))).toBe(-32015);
    agent.emit('s', DONE);
    await settle();
    expect(host.events('s')).toMatchObject([{ kind: 'done' }]);
    expect(prompts(agent)).toEqual(['hi']);
  },
);

test.each(['replace', 'queue', 'reject'])(
  'agents.chat › when the session is free and on_busy is %s › then it starts at once',
  async (on_busy) => {
    const { host, agent } = await busy();
    expect(await openChat(host, agent, request(on_busy, { session_id: 'free' }))).toMatchObject({ accepted: true });
  },
);

test('agents.chat › when it replaces a streaming turn › then that one’s terminal comes first, the agent is told, and the new one is a turn of its own', async () => {
  const { host, agent, first } = await busy();
  agent.emit('s', { kind: 'token', delta: 'a' });
  const second = await openChat(host, agent, request('replace'));
  expect(second.turn_id).not.toBe(first.turn_id);
  agent.emit('s', { kind: 'token', delta: 'old', turn_id: first.turn_id });
  agent.emit('s', { kind: 'token', delta: 'new', turn_id: second.turn_id });
  await settle();
  expect(host.events('s')).toMatchObject([
    { turn_id: first.turn_id, delta: 'a', seq: 1 },
    { turn_id: first.turn_id, kind: 'done', finish_reason: 'cancelled', synthesized: true, seq: 2 },
    { turn_id: second.turn_id, delta: 'new', seq: 1 },
  ]);
  const order = agent.frames.slice(1).map((frame) => `${frame.method} ${frame.params.reason ?? frame.params.prompt}`);
  expect(order).toEqual(['agent.chat hi', 'agent.chat.cancel replaced', 'agent.chat again']);
});

test('agents.chat › when it replaces a turn that is not acked yet › then that one is accepted, then ended, and then the new one asked', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const first = host.post('agents.chat', request());
  await settle();
  const oldChat = agent.lastChat();
  agent.emit('s', { kind: 'token', delta: 'held' });
  const second = host.post('agents.chat', request('replace'));
  await settle();
  agent.answer(oldChat, { accepted: true });
  await settle();
  expect(host.frames.slice(1)).toMatchObject([
    { id: first, result: { accepted: true, turn_id: oldChat.params.turn_id } },
    { params: { kind: 'done', finish_reason: 'cancelled', synthesized: true, turn_id: oldChat.params.turn_id } },
  ]);
  expect(cancels(agent)).toEqual(['replaced']);
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(second).result.accepted).toBe(true);
});

test('agents.chat › when it replaces a parked turn › then that one ends all the same', async () => {
  const { host, agent } = await busy();
  agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await settle();
  expect(await openChat(host, agent, request('replace'))).toMatchObject({ accepted: true });
  expect(host.events('s').map((event) => event.kind)).toEqual(['approval_pending', 'done']);
  expect(await host.ok('agents.chat.sessions')).toMatchObject({ sessions: [{ status: 'streaming', seq: 0 }] });
});

test('agents.chat › when it replaces a turn in its grace › then the grace is over', async () => {
  const { host, agent, first } = await busy();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 });
  expect(host.events('s')).toEqual([]);
  const second = await openChat(host, agent, request('replace'));
  expect(host.events('s')).toMatchObject([{ turn_id: first.turn_id, finish_reason: 'cancelled', synthesized: true }]);
  agent.emit('s', { ...DONE, turn_id: first.turn_id });
  agent.emit('s', { ...DONE, turn_id: second.turn_id });
  await settle();
  expect(host.events('s').map((event) => event.turn_id)).toEqual([first.turn_id, second.turn_id]);
});

test('agents.chat › when it replaces with another agent › then the old agent is told to stop and the new one asked', async () => {
  const { linked, host, agent } = await busy();
  const other = await linked.agent('other');
  expect(await openChat(host, other, request('replace', { agent_id: 'other' }))).toMatchObject({ accepted: true });
  expect(cancels(agent)).toEqual(['replaced']);
  agent.emit('s', { kind: 'token', delta: 'old' });
  await settle();
  expect(host.events('s').map((event) => event.kind)).toEqual(['done']);
});

test('agents.chat › when it replaces with an agent that is not attached › then -32011, and the live turn goes on', async () => {
  const { host, agent } = await busy();
  expect(await code(host, request('replace', { agent_id: 'nobody' }))).toBe(-32011);
  agent.emit('s', DONE);
  await settle();
  expect(host.events('s')).toMatchObject([{ kind: 'done', finish_reason: 'stop' }]);
});

test('agents.chat › when chats are queued › then each starts when the one before has ended, in order', async () => {
  const { host, agent } = await busy();
  const ids = ['a', 'b', 'c'].map((prompt) => host.post('agents.chat', request('queue', { prompt })));
  await settle();
  expect(prompts(agent)).toEqual(['hi']);
  for (const [n, id] of ids.entries()) {
    agent.emit('s', DONE);
    await settle();
    expect(prompts(agent)).toEqual(['hi', 'a', 'b', 'c'].slice(0, n + 2));
    expect(host.replyTo(id)).toBeUndefined();
    agent.answer(agent.lastChat(), { accepted: true });
    await settle();
    expect(host.replyTo(id).result).toMatchObject({ accepted: true, session_id: 's' });
  }
  agent.emit('s', DONE);
  await settle();
  expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  expect(new Set(host.events('s').map((event) => event.turn_id)).size).toBe(4);
});

test('agents.chat › when it replaces ahead of a queue › then it starts first, and the queue goes on behind it', async () => {
  const { host, agent } = await busy();
  host.post('agents.chat', request('queue', { prompt: 'queued' }));
  await settle();
  await openChat(host, agent, request('replace', { prompt: 'replacing' }));
  expect(prompts(agent)).toEqual(['hi', 'replacing']);
  agent.emit('s', DONE);
  await settle();
  expect(prompts(agent)).toEqual(['hi', 'replacing', 'queued']);
});

test('agents.chat › when a seventeenth would wait › then -32020, and the sixteen still have their turns', async () => {
  const { host, agent } = await busy();
  const ids = Array.from({ length: 16 }, (_, n) => host.post('agents.chat', request('queue', { prompt: `${n}` })));
  const { error } = await host.call('agents.chat', request('queue'));
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_queued_per_session', value: 16 } } });
  for (const id of ids) {
    agent.emit('s', DONE);
    await settle();
    agent.answer(agent.lastChat(), { accepted: true });
    await settle();
    expect(host.replyTo(id).result.accepted).toBe(true);
  }
  expect(prompts(agent)).toEqual(['hi', ...ids.map((_, n) => `${n}`)]);
});

test('agents.chat › when its agent is gone by the time that it starts › then -32011, and the next one has its turn', async () => {
  const { linked, host, agent } = await busy({ agentWaitMs: 0 });
  const other = await linked.agent('other');
  const gone = host.post('agents.chat', request('queue', { prompt: 'gone' }));
  const goneToo = host.post('agents.chat', request('queue', { prompt: 'gone too' }));
  const next = host.post('agents.chat', request('queue', { prompt: 'next', agent_id: 'other' }));
  await settle();
  agent.close();
  await settle();
  for (const id of [gone, goneToo]) {
    expect(host.replyTo(id).error).toMatchObject({ code: -32011, data: { agent_id: 'echo' } });
  }
  other.answer(other.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(next).result.accepted).toBe(true);
});

test('agents.chat › when the agent is replaced while one waits › then it starts with the newer connection', async () => {
  const { linked, host, agent } = await busy();
  const waiting = host.post('agents.chat', request('queue'));
  await settle();
  const newer = await linked.agent('echo');
  expect(agent.closed).toBe(4409);
  newer.answer(newer.lastChat(), { accepted: true });
  await settle();
  expect(host.events('s')).toMatchObject([{ kind: 'error', code: 'agent_replaced' }]);
  expect(host.replyTo(waiting).result.accepted).toBe(true);
});

test('agents.chat › when its host leaves while it waits › then it is dropped, and the session is free', async () => {
  const { linked, host, agent } = await busy();
  host.post('agents.chat', request('queue'));
  await settle();
  host.close();
  await settle();
  expect(prompts(agent)).toEqual(['hi']);
  expect(cancels(agent)).toEqual(['host_disconnected']);
  expect(await openChat(await linked.host(), agent, request())).toMatchObject({ accepted: true });
});

test('agents.chat.cancel › when chats wait behind the live turn › then it ends that one alone, and the next starts', async () => {
  const { host, agent, first } = await busy();
  const waiting = host.post('agents.chat', request('queue'));
  expect(await host.ok('agents.chat.cancel', { session_id: 's' })).toEqual({ cancelled: true, session_id: 's' });
  expect(host.events('s')).toMatchObject([{ turn_id: first.turn_id, finish_reason: 'cancelled' }]);
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(waiting).result.accepted).toBe(true);
  expect((await host.ok('agents.chat.sessions')).sessions).toHaveLength(1);
});

test('agents.chat › when the live turn is refused by its agent › then what waits starts', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const first = host.post('agents.chat', request());
  const second = host.post('agents.chat', request('queue', { prompt: 'second' }));
  await settle();
  agent.answer(agent.lastChat(), { accepted: false });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(first).error.code).toBe(-32012);
  expect(host.replyTo(second).result.accepted).toBe(true);
});

test('agents.chat › when a queued one was sent as a notification › then it starts without an answer', async () => {
  const { host, agent } = await busy();
  host.notify('agents.chat', request('queue'));
  agent.emit('s', DONE);
  await settle();
  const replies = host.frames.filter((frame) => frame.method === undefined).length;
  agent.answer(agent.lastChat(), { accepted: true });
  agent.emit('s', DONE);
  await settle();
  expect(host.events('s')).toHaveLength(2);
  expect(host.frames.filter((frame) => frame.method === undefined)).toHaveLength(replies);
});

test('agents.chat › when a finished id is used again, by anybody › then it is a new turn that counts from one', async () => {
  const { linked, host, agent, first } = await busy();
  agent.emit('s', { kind: 'token', delta: 'a' });
  agent.emit('s', DONE);
  await settle();
  const other = await linked.host();
  const second = await openChat(other, agent, request());
  expect(second.turn_id).not.toBe(first.turn_id);
  agent.emit('s', { kind: 'token', delta: 'b' });
  agent.emit('s', { ...DONE, turn_id: first.turn_id });
  await settle();
  expect(other.events()).toMatchObject([{ turn_id: second.turn_id, delta: 'b', seq: 1 }]);
  expect(host.events()).toHaveLength(2);
});
