import { expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';

const MIB = 1024 * 1024;

/** A chat that the agent was asked for and has not answered. */
async function ask(params: Message = {}) {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's', ...params });
  await settle();
  const chat = agent.lastChat();
  return { linked, host, agent, id, chat, turnId: chat.params.turn_id as string };
}

/** What a client got after the reply to its `session.auth`, in short. */
const story = (client: LinkedClient): string[] =>
  client.frames.slice(1).map((frame) => {
    if (frame.method) return `${frame.method} ${frame.params.kind ?? frame.params.reason ?? ''}`.trim();
    return frame.error ? `error ${frame.error.code}` : `result ${Object.keys(frame.result)[0]}`;
  });

test.each([
  ['an error', { error: { code: -1, message: 'busy', data: { x: 1 } } }, { code: -1, message: 'busy', data: { x: 1 } }],
  ['accepted: false', { result: { accepted: false, why: 'tired' } }, { accepted: false, why: 'tired' }],
  ['accepted: "true"', { result: { accepted: 'true' } }, { accepted: 'true' }],
  ['an empty result', { result: {} }, {}],
  ['null', { result: null }, null],
  ['an array', { result: [true] }, [true]],
  ['true', { result: true }, true],
])(
  'agents.chat › when the agent answers %s › then -32012 carries it, and nothing is left behind',
  async (_what, answer, agentError) => {
    const { linked, host, agent, id, chat } = await ask();
    agent.send({ jsonrpc: '2.0', id: chat.id, ...answer });
    await settle();
    expect(host.replyTo(id).error).toMatchObject({ code: -32012, data: { agent_error: agentError } });
    expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
    expect(await readMetric(linked.broker, 'turns_ended_total')).toEqual({ refused: 1 });
    agent.emit('s', { kind: 'token', delta: 'late' });
    await linked.advance(60_000);
    expect(host.events()).toEqual([]);
    expect(agent.received('agent.chat.cancel')).toEqual([]);
    expect(await openChat(host, agent, { agent_id: 'echo', session_id: 's' })).toMatchObject({ accepted: true });
  },
);

test('agents.chat › when the ack has more fields than accepted › then it is an ack', async () => {
  const { host, agent, id, chat, turnId } = await ask();
  agent.answer(chat, { accepted: true, mood: 'good', session_id: 'other' });
  await settle();
  expect(host.replyTo(id).result).toEqual({ accepted: true, session_id: 's', turn_id: turnId });
});

test('agents.chat › when the agent is silent › then -32013 after five seconds and no sooner, and nothing is left behind', async () => {
  const { linked, host, agent, id } = await ask();
  await linked.advance(4_999);
  expect(host.replyTo(id)).toBeUndefined();
  await linked.advance(1 + 20);
  expect(host.replyTo(id).error.code).toBe(-32013);
  expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(host.events()).toEqual([]);
});

test('agents.chat › when the agent acks after its five seconds › then it is sent a cancel, once, and the host hears nothing', async () => {
  const { linked, host, agent, chat, turnId } = await ask();
  await linked.advance(5_100);
  expect(agent.received('agent.chat.cancel')).toEqual([]);
  const before = host.frames.length;
  agent.answer(chat, { accepted: true });
  agent.answer(chat, { accepted: true });
  await settle();
  const cancels = agent.received('agent.chat.cancel');
  expect(cancels).toEqual([
    {
      jsonrpc: '2.0',
      method: 'agent.chat.cancel',
      params: { session_id: 's', turn_id: turnId, reason: 'ack_timeout' },
    },
  ]);
  expect(host.frames).toHaveLength(before);
  expect(await readDrops(linked.broker)).toEqual({ late_response: 2 });
});

test.each([{ result: { accepted: false } }, { error: { code: 1, message: 'no' } }])(
  'agents.chat › when the agent refuses after its five seconds (%j) › then it is sent no cancel',
  async (answer) => {
    const { linked, agent, chat } = await ask();
    await linked.advance(5_100);
    agent.send({ jsonrpc: '2.0', id: chat.id, ...answer });
    await settle();
    expect(agent.received('agent.chat.cancel')).toEqual([]);
  },
);

test('agents.chat › when another client answers in the agent’s stead › then it is no ack', async () => {
  const { linked, host, agent, id, chat } = await ask();
  const stranger = await linked.agent('stranger');
  stranger.answer(chat, { accepted: true });
  host.answer(chat, { accepted: true });
  await settle();
  expect(host.replyTo(id)).toBeUndefined();
  agent.answer(chat, { accepted: true });
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
});

test('agents.chat › when the host goes before the ack › then the turn ends, whatever its window, and a late ack opens nothing', async () => {
  const { linked, host, agent, chat, turnId } = await ask({ resume_window_ms: 600_000 });
  host.close();
  await settle();
  expect(agent.received('agent.chat.cancel').map((frame) => frame.params)).toEqual([
    { session_id: 's', turn_id: turnId, reason: 'host_disconnected' },
  ]);
  agent.answer(chat, { accepted: true });
  agent.emit('s', { kind: 'token', delta: 'a' });
  await settle();
  const manager = await linked.manager();
  expect(await manager.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  expect(await readMetric(linked.broker, 'turns_ended_total')).toEqual({ abandoned: 1 });
  expect(agent.received('agent.chat.cancel')).toHaveLength(1);
});

test('agents.chat › when events overtake the ack › then they wait, and come after the result, in order', async () => {
  const { host, agent, id, chat } = await ask();
  agent.emit('s', { kind: 'token', delta: 'a' });
  agent.emit('s', { kind: 'mood', value: 1 });
  agent.emit('s', { kind: 'token', delta: 'b', turn_id: chat.params.turn_id });
  await settle();
  expect(host.frames).toHaveLength(1);
  agent.answer(chat, { accepted: true });
  agent.emit('s', { kind: 'token', delta: 'c' });
  await settle();
  expect(host.frames[1]).toMatchObject({ id, result: { accepted: true } });
  expect(host.events()).toMatchObject([
    { kind: 'token', delta: 'a', seq: 1 },
    { kind: 'mood', value: 1, seq: 2 },
    { kind: 'token', delta: 'b', seq: 3 },
    { kind: 'token', delta: 'c', seq: 4 },
  ]);
});

test.each([
  ['done', { kind: 'done', finish_reason: 'stop' }, 'done'],
  ['error', { kind: 'error', error: 'oh' }, 'failed'],
  ['auth_required', { kind: 'auth_required', reason: 'r', message: 'm' }, 'done'],
])(
  'agents.chat › when a terminal %s overtakes the ack › then it follows the result and is the last',
  async (kind, terminal, ending) => {
    const { linked, host, agent, id, chat } = await ask();
    agent.emit('s', { kind: 'token', delta: 'a' });
    agent.emit('s', terminal);
    agent.emit('s', { kind: 'token', delta: 'late' });
    agent.emit('s', { kind: 'done', finish_reason: 'again' });
    agent.answer(chat, { accepted: true });
    await settle();
    expect(story(host)).toEqual(['result accepted', 'agents.chat.event token', `agents.chat.event ${kind}`]);
    expect(host.replyTo(id).result.accepted).toBe(true);
    expect(await readMetric(linked.broker, 'turns_ended_total')).toEqual({ [ending]: 1 });
    expect((await readDrops(linked.broker)).after_terminal).toBe(2);
  },
);

test('agents.chat › when a terminal overtook the ack and more follows than may wait › then the turn is accepted all the same', async () => {
  const { host, agent, chat } = await ask();
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  agent.emit('s', { kind: 'token', delta: 'x'.repeat(MIB) });
  await settle();
  agent.answer(chat, { accepted: true });
  await settle();
  expect(story(host)).toEqual(['result accepted', 'agents.chat.event done']);
});

test('agents.chat › when an approval overtakes the ack › then the turn is parked from its start, or not if it was resolved', async () => {
  for (const [resolve, status] of [
    [false, 'parked'],
    [true, 'streaming'],
  ] as const) {
    const { host, agent, chat } = await ask();
    agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 'rm' });
    if (resolve) agent.emit('s', { kind: 'approval_resolved', approval_id: 'a', resolution: 'approve' });
    agent.answer(chat, { accepted: true });
    await settle();
    expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ status, seq: resolve ? 2 : 1 }]);
  }
});

/** An event of exactly so many bytes on the wire. */
function eventOf(bytes: number, event: object = { kind: 'token' }): string {
  const frame = (delta: string) =>
    JSON.stringify({ jsonrpc: '2.0', method: 'agent.chat.event', params: { session_id: 's', ...event, delta } });
  return frame('x'.repeat(bytes - frame('').length));
}

test('agents.chat › when a mebibyte overtakes the ack › then all of it still comes', async () => {
  const { host, agent, chat } = await ask();
  for (let n = 0; n < 16; n += 1) agent.send(eventOf(MIB / 16));
  agent.answer(chat, { accepted: true });
  await settle();
  expect(host.events().map((event) => event.seq)).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
});

test.each([
  ['a token', { kind: 'token' }],
  ['a terminal', { kind: 'done', finish_reason: 'stop' }],
  ['an approval', { kind: 'approval_pending', approval_id: 'a', tool: 't' }],
  ['a resolution', { kind: 'approval_resolved', approval_id: 'a', resolution: 'deny' }],
])(
  'agents.chat › when %s is the byte too many that overtakes the ack › then -32020 to the host and a cancel to the agent',
  async (_what, event) => {
    const { linked, host, agent, id, chat, turnId } = await ask();
    agent.send(eventOf(MIB - 200));
    agent.send(eventOf(201, event));
    await settle();
    expect(host.replyTo(id).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_unacked_bytes', value: MIB } },
    });
    expect(agent.received('agent.chat.cancel').map((frame) => frame.params)).toEqual([
      { session_id: 's', turn_id: turnId, reason: 'ack_timeout' },
    ]);
    agent.answer(chat, { accepted: true });
    await linked.advance(6_000);
    expect(story(host)).toEqual(['error -32020']);
    expect(agent.received('agent.chat.cancel')).toHaveLength(1);
    expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  },
);
