import { expect, test } from 'vitest';
import { settle, startLinked } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';
import { answersTo, callsOf } from '../../support/tool-scene.ts';

/* Tool calls that overtake the agent's ack wait, in order with its events (wire.md section 6). */

/** A chat that the agent has not accepted yet. */
async function dispatching(options = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const agent = await linked.agent('echo');
  const chatId = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  const from = host.frames.length;
  /** What the host received since then, in short. */
  const heard = () =>
    host.frames.slice(from).map(({ id, method, params, error }) => {
      if (method === 'tools.execute') return `tool ${params.parameters}`;
      if (method) return method === 'tools.cancel' ? 'tools.cancel' : (params.delta ?? params.kind);
      return id === chatId ? (error ? error.code : 'accepted') : 'other';
    });
  const accept = async () => {
    agent.answer(agent.lastChat(), { accepted: true });
    await settle();
  };
  return { linked, broker: linked.broker, host, agent, chatId, heard, accept, ...callsOf(host, agent) };
}

const token = (delta: string) => ({ kind: 'token', delta });
const DONE = { kind: 'done', finish_reason: 'stop' };

test('tools.execute › when it overtakes the ack › then the host is asked after it is answered, in order with the events', async () => {
  const { host, agent, heard, execute, accept } = await dispatching();
  agent.emit('s', token('a'));
  const first = await execute({ parameters: 1 });
  agent.emit('s', token('b'));
  agent.emit('s', token('c'));
  const second = await execute({ parameters: 2 });
  expect(heard()).toEqual([]);
  await accept();
  agent.emit('s', token('d'));
  await settle();
  expect(heard()).toEqual(['accepted', 'a', 'tool 1', 'b', 'c', 'tool 2', 'd']);
  for (const request of host.received('tools.execute')) host.answer(request, request.id);
  await settle();
  expect([agent.replyTo(first).result, agent.replyTo(second).result]).toEqual(['cb-1', 'cb-2']);
});

test('tools.execute › when it waits for the ack › then its time does not run', async () => {
  const { linked, agent, execute, accept } = await dispatching();
  const id = await execute({ timeout_ms: 1_000 });
  await linked.advance(4_000);
  await accept();
  await linked.advance(999);
  expect(agent.replyTo(id)).toBeUndefined();
  await linked.advance(21);
  expect(agent.replyTo(id).error.code).toBe(-32017);
});

test('tools.execute › when a terminal overtakes the ack with it › then it is answered -32018 and the host is never asked', async () => {
  const { agent, heard, execute, accept } = await dispatching();
  const before = await execute();
  agent.emit('s', DONE);
  const after = await execute();
  await accept();
  for (const id of [before, after]) {
    expect(answersTo(agent, id)).toMatchObject([{ error: { code: -32018, data: { reason: 'turn_ended' } } }]);
  }
  expect(heard()).toEqual(['accepted', 'done']);
});

test('tools.cancel › when the agent withdraws what waits for the ack › then it is answered once and the host is never asked', async () => {
  const { broker, agent, heard, execute, accept } = await dispatching();
  const id = await execute();
  const kept = await execute({ parameters: 2 });
  agent.notify('tools.cancel', { id });
  await settle();
  expect(answersTo(agent, id)).toMatchObject([{ error: { code: -32018, data: { reason: 'agent_withdrew' } } }]);
  await accept();
  expect(heard()).toEqual(['accepted', 'tool 2']);
  expect(answersTo(agent, id)).toHaveLength(1);
  expect(answersTo(agent, kept)).toEqual([]);
  expect(await readMetric(broker, 'callbacks_total')).toEqual({ cancelled: 1 });
});

test('tools.execute › when 64 wait for the ack › then the 65th gets -32020, and a withdrawn one makes room', async () => {
  const { agent, execute } = await dispatching();
  const ids: number[] = [];
  for (let n = 0; n < 64; n += 1) ids.push(await execute());
  expect(agent.replyTo(await execute()).error.code).toBe(-32020);
  agent.notify('tools.cancel', { id: ids[0] });
  await settle();
  expect(agent.replyTo(await execute())).toBeUndefined();
});

test.each([
  [
    'the agent rejects the chat',
    'turn_ended',
    (scene: Awaited<ReturnType<typeof dispatching>>) => scene.agent.answer(scene.agent.lastChat(), { accepted: false }),
  ],
  [
    'the agent does not ack in time',
    'turn_ended',
    ({ linked }: Awaited<ReturnType<typeof dispatching>>) => linked.advance(5_020),
  ],
  [
    'too much overtakes the ack',
    'turn_ended',
    ({ agent }: Awaited<ReturnType<typeof dispatching>>) => agent.emit('s', token('x'.repeat(1024 * 1024))),
  ],
  [
    'the host cancels',
    'turn_ended',
    ({ host }: Awaited<ReturnType<typeof dispatching>>) => host.post('agents.chat.cancel', { session_id: 's' }),
  ],
  [
    'the host cancels with a grace',
    'turn_ended',
    ({ host }: Awaited<ReturnType<typeof dispatching>>) =>
      host.post('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 }),
  ],
  ['the host disconnects', 'host_disconnected', ({ host }: Awaited<ReturnType<typeof dispatching>>) => host.close()],
  [
    'the agent connects anew',
    'agent_disconnected',
    ({ linked }: Awaited<ReturnType<typeof dispatching>>) => linked.agent('echo'),
  ],
])(
  'tools.execute › when %s before the ack › then it is answered -32018 %s, and the host is never asked',
  async (_when, reason, run) => {
    const scene = await dispatching();
    const { linked, broker, host, agent, execute, accept } = scene;
    const id = await execute();
    await run(scene);
    await settle();
    expect(answersTo(agent, id)).toMatchObject([{ error: { code: -32018, data: { reason } } }]);
    await accept();
    await linked.advance(60_000);
    expect(answersTo(agent, id)).toHaveLength(1);
    expect(host.received('tools.execute')).toEqual([]);
    expect(host.received('tools.cancel')).toEqual([]);
    expect(await readMetric(broker, 'callbacks_total')).toEqual({ cancelled: 1 });
  },
);

test('tools.execute › when a gated one overtakes the ack › then it is parked once the chat is accepted', async () => {
  const { host, heard, execute, accept } = await dispatching({ approvals: { methods: ['tools.execute:clock'] } });
  await execute({ parameters: 1 });
  expect((await host.ok('host.approvals')).approvals).toEqual([]);
  await accept();
  const [row] = (await host.ok('host.approvals')).approvals;
  await host.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  expect(heard()).toEqual(['other', 'accepted', 'gate_pending', 'other', 'other', 'gate_resolved', 'tool 1']);
});

test('approval_pending › when 65 overtake the ack › then the last is dropped and counted, as after the ack', async () => {
  const { broker, host, agent, accept } = await dispatching();
  for (let n = 0; n < 65; n += 1) agent.emit('s', { kind: 'approval_pending', approval_id: `a${n}`, tool: 't' });
  await accept();
  expect(host.events()).toHaveLength(64);
  expect((await host.ok('host.approvals')).approvals).toHaveLength(64);
  agent.emit('s', { kind: 'approval_pending', approval_id: 'more', tool: 't' });
  await settle();
  expect(host.events()).toHaveLength(64);
  expect(await readDrops(broker)).toEqual({ too_many_approvals: 2 });
});

test('approval_pending › when it overtakes the ack › then it is listed once the chat is accepted, unless it is resolved already', async () => {
  const { host, agent, accept } = await dispatching();
  agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  agent.emit('s', { kind: 'approval_pending', approval_id: 'b', tool: 't' });
  agent.emit('s', { kind: 'approval_resolved', approval_id: 'b', resolution: 'timeout' });
  await accept();
  expect(host.events().map((event) => event.seq)).toEqual([1, 2, 3]);
  const { approvals } = await host.ok('host.approvals');
  expect(approvals.map((row: { status: string }) => row.status)).toEqual(['expired', 'pending']);
  expect((await host.ok('agents.chat.sessions')).sessions[0].status).toBe('parked');
});
