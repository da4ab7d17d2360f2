import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';

/** A streaming turn in session `s`. */
async function stream() {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  return { linked, host, agent, turnId: turn_id as string };
}

const whole: object[] = [
  { kind: 'token', delta: '' },
  { kind: 'token', delta: 'ü💡\u0000"', more: null },
  { kind: 'tool_call', tool: 't' },
  { kind: 'tool_call', call_id: 'c', sequence: 1, tool: 't', params: { a: [1] } },
  { kind: 'tool_result', tool: 't', ok: false },
  { kind: 'tool_result', call_id: 'c', sequence: 2, tool: 't', ok: true, excerpt: 'e', evidence: [1] },
  { kind: 'approval_pending', approval_id: 'a', action: 'x', details: 1 },
  { kind: 'approval_pending', approval_id: 'a', tool: 't', params: {}, deadline: '2030-01-01' },
  { kind: 'approval_resolved', approval_id: 'a', resolution: 'timeout' },
  { kind: 'goal_evaluated', iteration: 1, met: false, grounded: true, reason: 'r' },
  { kind: 'todos', items: [{ done: true }] },
  { kind: 'inference_started', anything: { goes: 1 } },
  { kind: 'inference_retry', attempt: 'x' },
  { kind: 'model_served' },
  { kind: 'receipt_report', bytes: 1e9 },
  { kind: 'DONE', finish_reason: 1 },
  { kind: '' },
  { kind: '__proto__', constructor: 1 },
  { kind: 'constructor', synthesised: true, method: 'x', id: 7, jsonrpc: '1.0' },
];

test.each(whole)(
  'agent.chat.event › when %j comes › then it goes through whole, stamped, and ends nothing',
  async (event) => {
    const { host, agent, turnId } = await stream();
    agent.emit('s', event);
    await settle();
    const stamp = { session_id: 's', agent_id: 'echo', turn_id: turnId, seq: 1 };
    expect(host.events()).toEqual([{ ...event, ...stamp }]);
    expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ seq: 1 }]);
  },
);

test('agent.chat.event › when the agent writes the broker’s fields › then its own are gone', async () => {
  const { host, agent, turnId } = await stream();
  const forged = { agent_id: 'king', seq: 99, seq_from: 1, synthesized: true };
  agent.emit('s', { kind: 'token', delta: 'a', turn_id: turnId, ...forged });
  agent.emit('s', { kind: 'mood', ...forged, synthesized: false, seq_from: null });
  agent.emit('s', { kind: 'done', finish_reason: 'cancelled', ...forged });
  await settle();
  const stamp = { session_id: 's', agent_id: 'echo', turn_id: turnId };
  expect(host.events()).toEqual([
    { ...stamp, kind: 'token', delta: 'a', seq: 1 },
    { ...stamp, kind: 'mood', seq: 2 },
    { ...stamp, kind: 'done', finish_reason: 'cancelled', seq: 3 },
  ]);
});

test('agent.chat.event › when a field is called __proto__ › then it goes through as an ordinary one', async () => {
  const { host, agent } = await stream();
  agent.send(
    '{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s","kind":"x","__proto__":{"kind":"done"},"constructor":1}}',
  );
  await settle();
  const [event] = host.events();
  expect(Object.getOwnPropertyDescriptor(event, '__proto__')?.value).toEqual({ kind: 'done' });
  expect(event).toMatchObject({ kind: 'x', constructor: 1 });
});

test('agent.chat.event › when keys are doubled › then the last counts, for the judgement and for the host', async () => {
  const { host, agent } = await stream();
  agent.send(
    '{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"x","session_id":"s","kind":"done","delta":"a","kind":"token"}}',
  );
  await settle();
  expect(host.events()).toMatchObject([{ session_id: 's', kind: 'token', delta: 'a' }]);
  expect((await host.ok('agents.chat.sessions')).sessions).toHaveLength(1);
});

test('agent.chat.event › when many turns run between the same two › then each has its own count', async () => {
  const { host, agent } = await stream();
  await openChat(host, agent, { agent_id: 'echo', session_id: 'other' });
  for (const session of ['s', 'other', 's', 'other', 'other']) agent.emit(session, { kind: 'token', delta: 'a' });
  await settle();
  expect(host.events('s').map((event) => event.seq)).toEqual([1, 2]);
  expect(host.events('other').map((event) => event.seq)).toEqual([1, 2, 3]);
});

test('agent.chat.event › when hosts chat with the same agent › then each hears its own turn alone', async () => {
  const { linked, host, agent } = await stream();
  const other = await linked.host();
  const manager = await linked.manager();
  await openChat(other, agent, { agent_id: 'echo', session_id: 'other' });
  agent.emit('s', { kind: 'token', delta: 'mine' });
  agent.emit('other', { kind: 'token', delta: 'yours' });
  await settle();
  expect(host.events()).toMatchObject([{ delta: 'mine' }]);
  expect(other.events()).toMatchObject([{ delta: 'yours' }]);
  expect(manager.events()).toEqual([]);
});

const malformed: object[] = [
  { kind: 'token', delta: null },
  { kind: 'token', delta: 'a', turn_id: 'x'.repeat(1_025) },
  { kind: 'tool_call', name: 7, detail: null },
  { kind: 'token' },
  { kind: 'token', delta: 1 },
  { kind: 'tool_call' },
  { kind: 'tool_result', tool: 't' },
  { kind: 'tool_result', tool: 't', ok: 'yes' },
  { kind: 'approval_pending', tool: 't' },
  { kind: 'approval_pending', approval_id: 'a' },
  { kind: 'approval_pending', approval_id: 1, tool: 't' },
  { kind: 'approval_resolved', approval_id: 'a', resolution: 'maybe' },
  { kind: 'goal_evaluated', iteration: 1, met: true, grounded: true },
  { kind: 7 },
  { kind: null },
  { delta: 'a' },
];

test.each(malformed)(
  'agent.chat.event › when it is malformed (%j) › then it is dropped and counted, and the turn goes on',
  async (event) => {
    const { linked, host, agent } = await stream();
    agent.emit('s', event);
    await settle();
    expect(host.events()).toEqual([]);
    expect(await readDrops(linked.broker)).toEqual({ malformed_event: 1 });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(host.events()).toMatchObject([{ kind: 'done', seq: 1 }]);
    expect(agent.frames.filter((frame) => frame.error)).toEqual([]);
  },
);

test.each([
  '[]',
  '"x"',
  '7',
  'null',
  '{"kind":"token","delta":"a"}',
  '{"session_id":"a b","kind":"x"}',
  '{"session_id":7,"kind":"x"}',
])(
  'agent.chat.event › when its params are %s › then nothing reaches the host, and the connection lives',
  async (params) => {
    const { host, agent } = await stream();
    agent.send(`{"jsonrpc":"2.0","method":"agent.chat.event","params":${params}}`);
    agent.emit('s', { kind: 'token', delta: 'a' });
    await settle();
    expect(host.events()).toMatchObject([{ delta: 'a', seq: 1 }]);
  },
);

test('agent.chat.event › when it is nested too deep to be written again › then it is dropped as malformed', async () => {
  const { linked, host, agent } = await stream();
  agent.send(
    `{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s","kind":"x","a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`,
  );
  await settle();
  expect(host.events()).toEqual([]);
  expect(await readDrops(linked.broker)).toEqual({ malformed_event: 1 });
});

test('agent.chat.event › when it is sent as a request › then -32601, and no host hears it', async () => {
  const { host, agent } = await stream();
  const { error } = await agent.call('agent.chat.event', { session_id: 's', kind: 'token', delta: 'a' });
  expect(error.code).toBe(-32601);
  expect(host.events()).toEqual([]);
});

test('agent.chat.event › when it comes from a client that does not own the turn › then it is dropped and counted', async () => {
  const { linked, host, agent, turnId } = await stream();
  const strangers = [await linked.agent('stranger'), await linked.host(), await linked.manager(), host];
  for (const stranger of strangers) {
    stranger.emit('s', { kind: 'token', delta: 'x' });
    stranger.emit('s', { kind: 'done', finish_reason: 'stop', turn_id: turnId });
  }
  await settle();
  expect(host.events()).toEqual([]);
  expect(await readDrops(linked.broker)).toEqual({ not_owner: 8 });
  agent.emit('s', { kind: 'token', delta: 'a' });
  await settle();
  expect(host.events()).toMatchObject([{ delta: 'a', seq: 1 }]);
});

test('agent.chat.event › when its session is not live, or not any more › then it is dropped and counted', async () => {
  const { linked, host, agent } = await stream();
  for (const session of ['nope', '__proto__', 'constructor']) agent.emit(session, { kind: 'token', delta: 'x' });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  agent.emit('s', { kind: 'token', delta: 'x' });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(host.events()).toHaveLength(1);
  expect(await readDrops(linked.broker)).toEqual({ unknown_session: 5 });
});

test('agent.chat.event › when it names another turn › then it is dropped and counted', async () => {
  const { linked, host, agent } = await stream();
  agent.emit('s', { kind: 'token', delta: 'x', turn_id: 'turn-0' });
  await settle();
  expect(host.events()).toEqual([]);
  expect(await readDrops(linked.broker)).toEqual({ wrong_turn: 1 });
});

test('agent.chat.event › when it comes from a client that is not authenticated › then it is dropped and counted', async () => {
  const { linked, host } = await stream();
  const nobody = linked.connect();
  nobody.emit('s', { kind: 'token', delta: 'x' });
  nobody.emit('s', { kind: 'token' });
  await settle();
  expect(host.events()).toEqual([]);
  expect(nobody.frames).toEqual([]);
  expect(await readDrops(linked.broker)).toEqual({ unauthenticated: 2 });
});

test('agent.chat.event › when events reach a host › then they are counted by kind, and an agent’s own kinds as other', async () => {
  const { linked, agent } = await stream();
  for (const kind of ['mood', 'weather', '__proto__', 'toString']) agent.emit('s', { kind });
  agent.emit('s', { kind: 'token', delta: 'a' });
  await settle();
  expect(await readMetric(linked.broker, 'events_total')).toEqual({ other: 4, token: 1 });
});
