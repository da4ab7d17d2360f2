import { expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';

/** A streaming turn in session `s`. */
async function stream() {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  return { linked, host, agent, turnId: turn_id as string };
}

const reasons = (agent: LinkedClient) => agent.received('agent.chat.cancel').map((frame) => frame.params.reason);
const code = async (client: LinkedClient, params: Message) =>
  (await client.call('agents.chat.cancel', params))?.error?.code;
const CANCELLED = { kind: 'done', finish_reason: 'cancelled', synthesized: true };
const REPLY = { cancelled: true, session_id: 's' };

test('agents.chat.cancel › when the originator calls it without grace › then reply, terminal and the agent’s cancel, and nothing after', async () => {
  const { linked, host, agent, turnId } = await stream();
  agent.emit('s', { kind: 'token', delta: 'a' });
  await settle();
  const before = host.frames.length;
  const id = host.post('agents.chat.cancel', { session_id: 's' });
  await settle();
  agent.emit('s', { kind: 'token', delta: 'late' });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await linked.advance(60_000);
  expect(host.frames.slice(before)).toEqual([
    { jsonrpc: '2.0', id, result: REPLY },
    {
      jsonrpc: '2.0',
      method: 'agents.chat.event',
      params: { session_id: 's', turn_id: turnId, agent_id: 'echo', seq: 2, ...CANCELLED },
    },
  ]);
  expect(agent.received('agent.chat.cancel')).toEqual([
    {
      jsonrpc: '2.0',
      method: 'agent.chat.cancel',
      params: { session_id: 's', turn_id: turnId, reason: 'host_cancelled' },
    },
  ]);
});

test('agents.chat.cancel › when the host role calls it › then it is answered, and the originator gets the terminal', async () => {
  const { linked, host } = await stream();
  const manager = await linked.manager();
  expect(await manager.ok('agents.chat.cancel', { session_id: 's' })).toEqual(REPLY);
  expect(host.events()).toMatchObject([CANCELLED]);
  expect(manager.events()).toEqual([]);
});

test('agents.chat.cancel › when a stranger calls it, the turn’s agent too › then -32015, and the turn goes on', async () => {
  const { linked, host, agent } = await stream();
  for (const stranger of [await linked.host(), agent]) {
    expect(await code(stranger, { session_id: 's' })).toBe(-32015);
  }
  // Another principal: for it there is no such session.
  expect(await code(await linked.agent('other'), { session_id: 's' })).toBe(-32014);
  agent.emit('s', { kind: 'token', delta: 'a' });
  await settle();
  expect(host.events()).toMatchObject([{ delta: 'a', seq: 1 }]);
  expect(reasons(agent)).toEqual([]);
});

test('agents.chat.cancel › when there is no such session, or not any more › then -32014', async () => {
  const { linked, host, agent } = await stream();
  expect(await code(host, { session_id: 'nope' })).toBe(-32014);
  expect(await code(host, { session_id: '__proto__' })).toBe(-32014);
  expect(await code(await linked.manager(), { session_id: 'nope' })).toBe(-32014);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(await code(host, { session_id: 's' })).toBe(-32014);
  expect(reasons(agent)).toEqual([]);
});

test.each([
  [{}, 'session_id'],
  [{ session_id: 7 }, 'session_id'],
  [{ session_id: 'a b' }, 'session_id'],
  [{ session_id: 's', grace_ms: -1 }, 'grace_ms'],
  [{ session_id: 's', grace_ms: 30_001 }, 'grace_ms'],
  [{ session_id: 's', grace_ms: 0.5 }, 'grace_ms'],
  [{ session_id: 's', grace_ms: '1' }, 'grace_ms'],
])('agents.chat.cancel › when its params are %j › then -32602 names %s, and the turn goes on', async (params, path) => {
  const { host, agent } = await stream();
  const { error } = await host.call('agents.chat.cancel', params);
  expect(error).toMatchObject({ code: -32602, data: { issues: [{ path }] } });
  expect(reasons(agent)).toEqual([]);
  expect(host.events()).toEqual([]);
});

test('agents.chat.cancel › when there is grace › then the agent streams on and ends the turn itself', async () => {
  const { linked, host, agent } = await stream();
  expect(await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 })).toEqual(REPLY);
  expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ status: 'cancelling' }]);
  expect(reasons(agent)).toEqual(['host_cancelled']);
  agent.emit('s', { kind: 'token', delta: 'bye' });
  agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  agent.emit('s', { kind: 'approval_resolved', approval_id: 'a', resolution: 'deny' });
  await linked.advance(29_000);
  agent.emit('s', { kind: 'done', finish_reason: 'stopped', text: 'bye' });
  await linked.advance(60_000);
  expect(host.events().map((event) => [event.kind, event.seq])).toEqual([
    ['token', 1],
    ['approval_pending', 2],
    ['approval_resolved', 3],
    ['done', 4],
  ]);
  expect(host.events().at(-1)).not.toHaveProperty('synthesized');
});

test('agents.chat.cancel › when the grace is over › then the broker’s terminal comes, and no sooner', async () => {
  const { linked, host, agent } = await stream();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 });
  await linked.advance(999);
  expect(host.events()).toEqual([]);
  await linked.advance(1 + 20);
  expect(host.events()).toMatchObject([{ ...CANCELLED, seq: 1 }]);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(host.events()).toHaveLength(1);
  expect(reasons(agent)).toEqual(['host_cancelled']);
});

test('agents.chat.cancel › when it is called again without grace › then both are answered, and the terminal comes at once', async () => {
  const { host, agent } = await stream();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 });
  expect(await host.ok('agents.chat.cancel', { session_id: 's' })).toEqual(REPLY);
  expect(host.events()).toMatchObject([CANCELLED]);
  expect(reasons(agent)).toEqual(['host_cancelled']);
  expect(await code(host, { session_id: 's' })).toBe(-32014);
});

test('agents.chat.cancel › when it is called again with a longer grace › then the first one’s holds', async () => {
  const { linked, host } = await stream();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 5_000 });
  await linked.advance(4_000);
  expect(await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 })).toEqual(REPLY);
  await linked.advance(999);
  expect(host.events()).toEqual([]);
  await linked.advance(1 + 20);
  expect(host.events()).toMatchObject([CANCELLED]);
});

test('agents.chat.cancel › when it is called again with a shorter grace › then that one holds', async () => {
  const { linked, host } = await stream();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 5_000 });
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 100 });
  await linked.advance(120);
  expect(host.events()).toMatchObject([CANCELLED]);
  await linked.advance(60_000);
  expect(host.events()).toHaveLength(1);
});

test('agents.chat.cancel › when the turn is parked › then it is cancelled all the same', async () => {
  const { host, agent } = await stream();
  agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await host.ok('agents.chat.cancel', { session_id: 's' });
  expect(host.events().map((event) => event.kind)).toEqual(['approval_pending', 'done']);
});

test.each([0, 10_000])(
  'agents.chat.cancel › when it comes before the ack (grace %i) › then chat accepted, cancel, and then the terminal',
  async (grace_ms) => {
    const linked = startLinked();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    const chatId = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await settle();
    const chat = agent.lastChat();
    const cancelId = host.post('agents.chat.cancel', { session_id: 's', grace_ms });
    await settle();
    expect(reasons(agent)).toEqual(['host_cancelled']);
    agent.answer(chat, { accepted: true });
    await linked.advance(10_020);
    expect(host.frames.slice(1)).toMatchObject([
      { id: chatId, result: { accepted: true, session_id: 's', turn_id: chat.params.turn_id } },
      { id: cancelId, result: REPLY },
      { params: { ...CANCELLED, seq: 1 } },
    ]);
    expect(reasons(agent)).toEqual(['host_cancelled']);
  },
);

test('agents.chat.cancel › when it comes with grace before the ack › then held events follow the replies, and a held terminal ends it', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  agent.emit('s', { kind: 'token', delta: 'a' });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  host.post('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  await linked.advance(60_000);
  expect(host.frames.slice(1)).toMatchObject([
    { result: { accepted: true } },
    { result: REPLY },
    { params: { kind: 'token', seq: 1 } },
    { params: { kind: 'done', finish_reason: 'stop', seq: 2 } },
  ]);
});

test('agents.chat.cancel › when the chat was a notification › then only the cancel is answered', async () => {
  const linked = startLinked();
  const host = await linked.host();
  await linked.agent('echo');
  host.notify('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  const id = host.post('agents.chat.cancel', { session_id: 's' });
  await settle();
  expect(host.frames.slice(1)).toMatchObject([{ id, result: REPLY }, { params: CANCELLED }]);
});

test('agents.chat.cancel › when it is sent as a notification › then it cancels, and nobody is answered', async () => {
  const { host, agent } = await stream();
  const before = host.frames.length;
  host.notify('agents.chat.cancel', { session_id: 's' });
  await settle();
  expect(host.frames.slice(before)).toMatchObject([{ params: CANCELLED }]);
  expect(reasons(agent)).toEqual(['host_cancelled']);
});

test('agents.chat.cancel › when the host leaves in the grace › then the turn is gone', async () => {
  const { linked, host, agent } = await stream();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 });
  host.close();
  await linked.advance(60_000);
  const manager = await linked.manager();
  expect(await manager.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  expect(reasons(agent)).toEqual(['host_cancelled']);
});
