import { expect, test } from 'vitest';
import { z } from 'zod';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { answersTo, approvalsOf, startToolScene } from '../../support/tool-scene.ts';

/* What of a turn waits at the gate is told to that turn's host (wire.md sections 5 and 8). */

const TOOLS = [{ name: 'clock' }, { name: 'risky' }];
const GATED = { methods: ['tools.execute:risky', 'messages.send'] };

/** A scene whose gate has one tool and one method of the embedder's own. */
async function setUp() {
  const scene = await startToolScene({ approvals: GATED }, TOOLS);
  scene.broker.method('messages.send', { schema: z.looseObject({}), handler: () => 'sent' });
  return { ...scene, send: () => sendMessage(scene.agent) };
}

/** The agent asks for the gated method, in its turn's name; the id is for `replyTo`. */
async function sendMessage(agent: LinkedClient, params: object = {}): Promise<number> {
  const id = agent.post('messages.send', { session_id: 's', text: 'hi', ...params });
  await settle();
  return id;
}

const told = (client: LinkedClient): Message[] => client.received('agents.chat.event').map(({ params }) => params);
const gates = (client: LinkedClient): Message[] => told(client).filter(({ kind }) => kind.startsWith('gate_'));
const resolve = (client: LinkedClient, row: Message, resolution: string) =>
  client.call('host.resolve_approval', { approval_id: row.approval_id, resolution });

test('the gate › when a tool of a turn is parked › then the host hears what waits, as the broker’s word and in no order', async () => {
  const { host, execute, turnId } = await setUp();
  await execute({ tool: 'risky', parameters: { path: '/', password: 'hunter2' } });
  const [row] = await approvalsOf(host);
  expect(gates(host)).toEqual([
    {
      session_id: 's',
      turn_id: turnId,
      agent_id: 'echo',
      kind: 'gate_pending',
      approval_id: row.id,
      action: 'ws.method:tools.execute',
      details: row.details,
      expires_at: '1970-01-01T00:01:00.000Z',
      synthesized: true,
    },
  ]);
  expect(JSON.stringify(gates(host))).not.toContain('hunter2');
});

test.each([
  ['approve', 'approve'],
  ['deny', 'deny'],
  ['not now', 'deny'],
])(
  'the gate › when somebody answers %j › then the host hears %s, before its tool is called',
  async (label, resolution) => {
    const { host, execute } = await setUp();
    await execute({ tool: 'risky' });
    const [row = {}] = gates(host);
    expect((await resolve(host, row, label)).error).toBeUndefined();
    const { session_id, turn_id, agent_id, approval_id } = row;
    const stamp = { session_id, turn_id, agent_id, approval_id, synthesized: true };
    expect(gates(host).slice(1)).toEqual([{ ...stamp, kind: 'gate_resolved', resolution }]);
    const methods = host.frames.map(({ method, params }) => params?.kind ?? method).filter(Boolean);
    expect(methods).toEqual(
      resolution === 'approve' ? ['gate_pending', 'gate_resolved', 'tools.execute'] : ['gate_pending', 'gate_resolved'],
    );
  },
);

test('the gate › when nobody answers in time › then the host hears timeout', async () => {
  const { linked, host, execute } = await setUp();
  await execute({ tool: 'risky' });
  await linked.advance(60_021);
  expect(gates(host).at(-1)).toMatchObject({ kind: 'gate_resolved', resolution: 'timeout' });
});

test('the gate › when the agent withdraws its call › then the host hears withdrawn, and the turn goes on', async () => {
  const { host, agent, execute } = await setUp();
  const id = await execute({ tool: 'risky' });
  agent.notify('tools.cancel', { id });
  await settle();
  expect(gates(host).at(-1)).toMatchObject({ kind: 'gate_resolved', resolution: 'withdrawn' });
  agent.emit('s', { kind: 'token', delta: 'on' });
  await settle();
  expect(told(host).at(-1)).toMatchObject({ delta: 'on', seq: 1 });
});

const endings: Record<string, (scene: Awaited<ReturnType<typeof setUp>>) => unknown> = {
  'its agent ends it': ({ agent }) => agent.emit('s', { kind: 'done', finish_reason: 'stop' }),
  'its host cancels it': ({ host }) => host.post('agents.chat.cancel', { session_id: 's' }),
  'its host cancels it with grace': async ({ host, agent }) => {
    await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  },
  'its agent goes': ({ agent }) => agent.close(),
};

test.each(Object.entries(endings))(
  'the gate › when %s › then each that waits is withdrawn before the one terminal',
  async (how, end) => {
    const scene = await setUp();
    const { host, agent, execute, send } = scene;
    const tool = await execute({ tool: 'risky' });
    const method = await send();
    expect(gates(host)).toHaveLength(2);
    await end(scene);
    await settle();
    expect(told(host).map(({ kind }) => kind)).toEqual([
      'gate_pending',
      'gate_pending',
      'gate_resolved',
      'gate_resolved',
      expect.stringMatching(/^(done|error)$/),
    ]);
    expect(new Set(gates(host).map(({ approval_id }) => approval_id)).size).toBe(2);
    expect((await approvalsOf(host)).map(({ status }) => status)).toEqual(['withdrawn', 'withdrawn']);
    if (agent.closed !== undefined || how === 'its agent goes') return;
    for (const id of [tool, method]) {
      expect(answersTo(agent, id)).toMatchObject([{ error: { code: -32018, data: { reason: 'turn_ended' } } }]);
    }
  },
);

test('the gate › when a request of the agent names its turn’s session › then the host is asked, and may let it run', async () => {
  const { host, agent, send, turnId } = await setUp();
  const id = await send();
  const [row = {}] = gates(host);
  expect(row).toMatchObject({
    action: 'ws.method:messages.send',
    details: { method: 'messages.send', session_id: 's', turn_id: turnId },
  });
  await resolve(host, row, 'approve');
  expect(agent.replyTo(id).result).toBe('sent');
  expect(gates(host).at(-1)).toMatchObject({ kind: 'gate_resolved', resolution: 'approve' });
});

test('the gate › when it names no session, another’s turn, or the host asks itself › then no host hears of it', async () => {
  const { linked, host, agent } = await setUp();
  const other = await linked.agent('other');
  await sendMessage(agent, { session_id: undefined });
  await sendMessage(agent, { session_id: 'none' });
  await sendMessage(other);
  await sendMessage(host);
  expect(await approvalsOf(host)).toHaveLength(4);
  expect(gates(host)).toEqual([]);
});

test('the gate › when the agent asks before its ack › then the host hears of it after its own answer', async () => {
  const linked = startLinked({ approvals: GATED });
  linked.broker.method('messages.send', { schema: z.looseObject({}), handler: () => 'sent' });
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  await sendMessage(agent);
  expect(told(host)).toEqual([]);
  agent.answer(agent.received('agent.chat')[0], { accepted: true });
  await settle();
  const order = host.frames.slice(-2);
  expect(order).toMatchObject([{ id, result: { accepted: true } }, { params: { kind: 'gate_pending' } }]);
});

test('the gate › when what the agent asked for is settled before its ack › then the host hears nothing of it', async () => {
  const linked = startLinked({ approvals: GATED });
  linked.broker.method('messages.send', { schema: z.looseObject({}), handler: () => 'sent' });
  const [host, person] = [await linked.host(), await linked.host()];
  const agent = await linked.agent('echo');
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  await sendMessage(agent);
  const [row] = await approvalsOf(person);
  await person.ok('host.resolve_approval', { approval_id: row.id, resolution: 'deny' });
  agent.answer(agent.received('agent.chat')[0], { accepted: true });
  await settle();
  expect(told(host)).toEqual([]);
});

test('the gate › when a turn waits at it for longer than an agent may be silent › then it is not swept', async () => {
  const scene = await startToolScene({ approvals: { ...GATED, timeoutMs: 2_000_000 } }, TOOLS);
  scene.broker.method('messages.send', { schema: z.looseObject({}), handler: () => 'sent' });
  await sendMessage(scene.agent);
  for (let n = 0; n < 25; n += 1) await scene.linked.advance(60_000);
  expect(told(scene.host).map(({ kind }) => kind)).toEqual(['gate_pending']);
  await resolve(scene.host, gates(scene.host)[0] ?? {}, 'deny');
  await scene.linked.advance(60_000);
  expect(told(scene.host).map(({ kind }) => kind)).toEqual(['gate_pending', 'gate_resolved']);
});

test.each([
  ['gate_pending', { action: 'ws.method:tools.execute', details: {}, expires_at: 'soon' }],
  ['gate_resolved', { resolution: 'approve' }],
])(
  'the gate › when an agent sends a %s itself › then it is dropped, counted, and reaches nobody',
  async (kind, fields) => {
    const { broker, host, agent } = await setUp();
    agent.emit('s', { kind, approval_id: 'x', ...fields });
    agent.emit('s', { kind, synthesized: true });
    agent.emit('s', { kind: 'token', delta: 'on' });
    await settle();
    expect(told(host).map((event) => event.kind)).toEqual(['token']);
    expect(await readMetric(broker, 'drops_total')).toMatchObject({ forged: 1, malformed_event: 1 });
  },
);

test('the gate › when an agent asks a question of its own under the id of a row that waits › then it is dropped', async () => {
  const { host, agent, execute } = await setUp();
  await execute({ tool: 'risky' });
  const approval_id = gates(host)[0]?.approval_id;
  agent.emit('s', { kind: 'approval_pending', approval_id, action: 'look at the weather' });
  agent.emit('s', { kind: 'approval_resolved', approval_id, resolution: 'deny' });
  await settle();
  expect(told(host).map(({ kind }) => kind)).toEqual(['gate_pending']);
  expect(await approvalsOf(host)).toHaveLength(1);
});

test('agents.chat.subscribe › when a gate waits › then a host that comes back finds it, an observer does not', async () => {
  const linked = startLinked({ approvals: GATED });
  linked.broker.method('messages.send', { schema: z.looseObject({}), handler: () => 'sent' });
  const first = await linked.host();
  const agent = await linked.agent('echo');
  const chat = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 };
  const { resume_token } = await openChat(first, agent, chat);
  await sendMessage(agent);
  first.close();
  await settle();
  const [second, watcher] = [await linked.host(), await linked.host()];
  const seen = await watcher.ok('agents.chat.subscribe', { session_id: 's', resume_token, role: 'observer' });
  expect(seen.pending_approvals).toEqual([]);
  const back = await second.ok('agents.chat.subscribe', { session_id: 's', resume_token });
  expect(back.pending_approvals).toEqual(gates(first));
  expect(back.head).toBe(0);
  await resolve(second, back.pending_approvals[0], 'approve');
  expect(gates(second)).toMatchObject([{ kind: 'gate_resolved', resolution: 'approve' }]);
  expect(told(watcher)).toEqual([]);
});
