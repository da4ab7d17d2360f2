import { expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';
import { answersTo, approvalsOf, pending, resolved } from '../../support/tool-scene.ts';

/* What a chat turn waits for, answered by its host or the host role, on either path (wire.md sections 5 and 6). */

const MINUTE = 60_000;

/** A turn in session `s` that waits for `a`. */
async function park(event: object = pending('a')) {
  const linked = startLinked();
  const host = await linked.host();
  const manager = await linked.manager();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit('s', event);
  await settle();
  const [row] = await approvalsOf(host);
  /** Both paths; each gives the id of its request. */
  const paths = {
    async chat(client: LinkedClient = host, more: object = { decision: true }): Promise<number> {
      const id = client.post('agents.chat.approve', { session_id: 's', approval_id: 'a', ...more });
      await settle();
      return id;
    },
    async row(client: LinkedClient = manager, resolution = 'approve'): Promise<number> {
      const id = client.post('host.resolve_approval', { approval_id: row?.id, resolution });
      await settle();
      return id;
    },
  };
  return {
    linked,
    broker: linked.broker,
    host,
    manager,
    agent,
    rowId: row?.id as string,
    ...paths,
    asked: (): Message => agent.received('agent.chat.approve').at(-1),
    status: async () => (await host.ok('agents.chat.sessions')).sessions[0]?.status,
    rowStatus: async () => (await approvalsOf(host))[0]?.status,
  };
}

test.each([
  [true, 'approved'],
  ['approve', 'approved'],
  ['approved', 'approved'],
  ['yes', 'approved'],
  [false, 'denied'],
  ['deny', 'denied'],
  ['Yes', 'denied'],
  ['true', 'denied'],
  ['', 'denied'],
  ['whatever', 'denied'],
])(
  'agents.chat.approve › when the decision is %j › then the agent reads it as it came, and the approval is %s',
  async (decision, status) => {
    const { host, agent, chat, asked, rowStatus } = await park();
    const id = await chat(host, { decision, answer: { text: [null] }, extra: 1 });
    expect(asked()).toEqual({
      jsonrpc: '2.0',
      id: expect.anything(),
      method: 'agent.chat.approve',
      params: { session_id: 's', approval_id: 'a', decision, answer: { text: [null] } },
    });
    expect(host.replyTo(id)).toBeUndefined();
    agent.answer(asked(), { resolved: true, more: 1 });
    await settle();
    expect(host.replyTo(id).result).toEqual({ resolved: true, session_id: 's' });
    expect(await rowStatus()).toBe(status);
  },
);

test('agents.chat.approve › when no decision is given › then it denies, and an answer passes all the same', async () => {
  const { host, agent, chat, asked, rowStatus } = await park();
  await chat(host, { answer: false });
  expect(asked().params).toMatchObject({ session_id: 's', approval_id: 'a', answer: false });
  expect(asked().params.decision ?? false).toBe(false);
  agent.answer(asked(), { resolved: true });
  await settle();
  expect(await rowStatus()).toBe('denied');
});

test.each([
  ['approve', true, 'approved'],
  ['deny', false, 'denied'],
  ['later', false, 'denied'],
])(
  'host.resolve_approval › when a chat’s is answered %j › then the agent reads decision %j, and the approval is %s',
  async (resolution, decision, status) => {
    const { manager, agent, row, rowId, asked, rowStatus } = await park();
    const id = await row(manager, resolution);
    expect(asked().params).toEqual({ session_id: 's', approval_id: 'a', decision });
    expect(manager.replyTo(id)).toBeUndefined();
    agent.answer(asked(), { resolved: true });
    await settle();
    expect(manager.replyTo(id).result).toMatchObject({ id: rowId, status, resolution });
    expect(await rowStatus()).toBe(status);
  },
);

test('a chat’s approval › when it is on its way to the agent › then it counts as taken on both paths, and the agent is asked once', async () => {
  for (const first of ['chat', 'row'] as const) {
    const scene = await park();
    const { host, manager, agent, asked, status } = scene;
    const id = await scene[first](manager);
    const others = [await scene.chat(host), await scene.row(host), await scene.chat(host, { decision: false })];
    for (const other of others)
      expect(host.replyTo(other).error).toEqual({
        code: -32016,
        message: expect.any(String),
        data: { taken: 'approve' },
      });
    expect(agent.received('agent.chat.approve')).toHaveLength(1);
    expect(await status()).toBe('parked');
    agent.answer(asked(), { resolved: true });
    await settle();
    expect(answersTo(manager, id)).toHaveLength(1);
    expect(manager.replyTo(id).error).toBeUndefined();
    expect(await status()).toBe('streaming');
    const late = [await scene.chat(host), await scene.row(host)];
    expect(late.map((late) => host.replyTo(late).error.code)).toEqual([-32016, -32016]);
    expect(host.replyTo(late[1]).error.data).toEqual({ resolution: 'approved' });
    expect(agent.received('agent.chat.approve')).toHaveLength(1);
    // The agent may say so itself now, or not: it changes nothing.
    agent.emit('s', resolved('a', 'deny'));
    await settle();
    expect(host.events().at(-1)).toMatchObject({ kind: 'approval_resolved', resolution: 'deny' });
    expect(await scene.rowStatus()).toBe('approved');
    expect(await readMetric(scene.broker, 'approvals_total')).toEqual({ approved: 1 });
  }
});

const refusals: [string, object | undefined, Message, Message][] = [
  [
    'answers resolved: false',
    { result: { resolved: false } },
    { result: { resolved: false, session_id: 's' } },
    { result: { status: 'pending' } },
  ],
  [
    'answers something else',
    { result: { resolved: 'yes' } },
    { result: { resolved: false, session_id: 's' } },
    { result: { status: 'pending' } },
  ],
  [
    'answers null',
    { result: null },
    { result: { resolved: false, session_id: 's' } },
    { result: { status: 'pending' } },
  ],
  [
    'answers with an error',
    { error: { code: 5, message: 'no', data: [1] } },
    { error: { code: -32012, data: { agent_error: { code: 5, message: 'no', data: [1] } } } },
    { error: { code: -32012, data: { agent_error: { code: 5, message: 'no', data: [1] } } } },
  ],
  ['is silent for five seconds', undefined, { error: { code: -32004 } }, { error: { code: -32004 } }],
];
for (const [when, answer, viaChat, viaRow] of refusals) {
  for (const path of ['chat', 'row'] as const) {
    test(`a chat’s approval › when the agent ${when} to the ${path} path › then the asker hears so, it is pending again, and may be answered anew`, async () => {
      const scene = await park();
      const { linked, broker, manager, agent, asked, status, rowStatus } = scene;
      const id = await scene[path](manager);
      if (answer) agent.send({ jsonrpc: '2.0', id: asked().id, ...answer });
      else await linked.advance(4_999);
      if (!answer) expect(manager.replyTo(id)).toBeUndefined();
      await linked.advance(21);
      expect(manager.replyTo(id)).toMatchObject(path === 'chat' ? viaChat : viaRow);
      expect([await status(), await rowStatus()]).toEqual(['parked', 'pending']);
      // Too late for that one, whatever it says.
      if (!answer) agent.answer(asked(), { resolved: true });
      await settle();
      expect(await rowStatus()).toBe('pending');
      expect(await readDrops(broker)).toEqual(answer ? {} : { late_response: 1 });
      expect(answersTo(manager, id)).toHaveLength(1);
      const again = await scene.chat(manager, { decision: 'no' });
      expect(agent.received('agent.chat.approve')).toHaveLength(2);
      agent.answer(asked(), { resolved: true });
      await linked.advance(10_000);
      expect(manager.replyTo(again).result).toEqual({ resolved: true, session_id: 's' });
      expect([await status(), await rowStatus()]).toEqual(['streaming', 'denied']);
    });
  }
}

test.each([
  ['deny', true, 'approved'],
  ['approve', false, 'approved'],
  ['timeout', false, 'expired'],
  ['deny', false, 'denied'],
])(
  'a chat’s approval › when the agent says %s by itself while it is asked, and then resolved: %j › then it ends once, as %s',
  async (resolution, isResolved, status) => {
    const { broker, host, agent, chat, asked, rowStatus, ...scene } = await park();
    const id = await chat();
    agent.emit('s', resolved('a', resolution));
    await settle();
    expect(host.events().at(-1)).toMatchObject({ kind: 'approval_resolved', resolution });
    expect(await scene.status()).toBe('streaming');
    expect(host.replyTo(await chat()).error.code).toBe(-32016);
    agent.answer(asked(), { resolved: isResolved });
    await settle();
    expect(host.replyTo(id).result).toEqual({ resolved: isResolved, session_id: 's' });
    expect(await rowStatus()).toBe(status);
    expect(await readMetric(broker, 'approvals_total')).toEqual({ [status]: 1 });
    expect(await scene.status()).toBe('streaming');
  },
);

test('a chat’s approval › when the agent ends it while it is asked, and raises another by the same id › then that one waits by itself', async () => {
  const { linked, host, agent, chat, asked, status } = await park();
  await chat();
  agent.emit('s', resolved('a', 'deny'));
  agent.emit('s', pending('a', { tool: 'again' }));
  agent.answer(asked(), { resolved: true });
  await linked.advance(10_000);
  expect(await status()).toBe('parked');
  expect((await approvalsOf(host)).map((row) => row.status)).toEqual(['approved', 'pending']);
  await chat();
  agent.answer(asked(), { resolved: true });
  await settle();
  expect(await status()).toBe('streaming');
  expect((await approvalsOf(host)).map((row) => [row.action, row.status])).toEqual([
    ['rm', 'approved'],
    ['again', 'approved'],
  ]);
});

test.each([
  [
    'the agent ends the turn',
    ({ agent }: Awaited<ReturnType<typeof park>>) => agent.emit('s', { kind: 'done', finish_reason: 'stop' }),
  ],
  [
    'the host cancels',
    ({ host }: Awaited<ReturnType<typeof park>>) => host.post('agents.chat.cancel', { session_id: 's' }),
  ],
  [
    'the host cancels with a grace',
    ({ host }: Awaited<ReturnType<typeof park>>) =>
      host.post('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 }),
  ],
  ['the host disconnects', ({ host }: Awaited<ReturnType<typeof park>>) => host.close()],
  ['the agent disconnects', ({ agent }: Awaited<ReturnType<typeof park>>) => agent.close()],
  ['the agent connects anew', ({ linked }: Awaited<ReturnType<typeof park>>) => linked.agent('echo')],
])(
  'a chat’s approval › when %s meanwhile › then it is withdrawn, and whoever answered gets -32016',
  async (_when, end) => {
    const scene = await park();
    const { linked, broker, manager, agent, asked, rowId } = scene;
    const id = await scene.chat(manager);
    await end(scene);
    await settle();
    expect(manager.replyTo(id).error).toMatchObject({ code: -32016, data: { resolution: 'withdrawn' } });
    agent.answer(asked(), { resolved: true });
    await linked.advance(60_000);
    expect(answersTo(manager, id)).toHaveLength(1);
    expect(await approvalsOf(manager)).toMatchObject([{ id: rowId, status: 'withdrawn' }]);
    expect(await readMetric(broker, 'approvals_pending')).toEqual({});
  },
);

test.each([
  [{}, ['session_id', 'approval_id']],
  [{ session_id: 's', approval_id: 'a', decision: 1 }, ['decision']],
  [{ session_id: 's', approval_id: 1, decision: {} }, ['approval_id', 'decision']],
  [{ session_id: 'a b', approval_id: 'a' }, ['session_id']],
])('agents.chat.approve › when the params are %j › then -32602, and it waits on', async (params, paths) => {
  const { host, agent, rowStatus } = await park();
  const { error } = await host.call('agents.chat.approve', params);
  expect(error.code).toBe(-32602);
  expect([...new Set(error.data.issues.map((issue: { path: string }) => issue.path))]).toEqual(paths);
  expect(agent.received('agent.chat.approve')).toEqual([]);
  expect(await rowStatus()).toBe('pending');
});

test('agents.chat.approve › when the approval is not pending on that turn › then -32016, and -32014 where there is no turn', async () => {
  const { linked, host, agent, rowId } = await park();
  await openChat(host, agent, { agent_id: 'echo', session_id: 'other' });
  const approve = async (session_id: string, approval_id: string) =>
    (await host.call('agents.chat.approve', { session_id, approval_id })).error?.code;
  expect(await approve('s', 'b')).toBe(-32016);
  expect(await approve('s', rowId)).toBe(-32016);
  expect(await approve('other', 'a')).toBe(-32016);
  expect(await approve('none', 'a')).toBe(-32014);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await linked.advance(0);
  expect(await approve('s', 'a')).toBe(-32014);
});

test.each(['chat', 'row'] as const)(
  'a chat’s approval › when a person settles it after hours, by its %s › then the fifteen minutes of its agent begin only then',
  async (path) => {
    const { linked, host, agent, status, asked, ...paths } = await park();
    await linked.advance(3 * 60 * MINUTE);
    await paths[path]();
    agent.answer(asked(), { resolved: true });
    await linked.advance(15 * MINUTE - 1);
    expect(await status()).toBe('streaming');
    await linked.advance(5_001);
    expect(host.events().at(-1)).toMatchObject({ kind: 'error', code: 'stale' });
  },
);
