import { expect, test } from 'vitest';
import { type LinkedClient, settle } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';
import { answersTo, startToolScene, type ToolScene } from '../../support/tool-scene.ts';

/*
 * Whatever ends a turn ends its tool calls: the agent's request is answered, the host told before the turn's terminal,
 * and what the host still says goes nowhere (wire.md section 7).
 */

interface Ending {
  when: string;
  run(scene: ToolScene): unknown;
  reason: string;
  /** What the host receives from the ending on, besides what answers its own requests. */
  terminal?: string;
  /** Nobody is there any more to be told. */
  gone?: 'host' | 'agent';
}

const endings: Ending[] = [
  {
    when: 'the agent says done',
    run: ({ agent }) => agent.emit('s', { kind: 'done', finish_reason: 'stop' }),
    reason: 'turn_ended',
    terminal: 'done',
  },
  {
    when: 'the agent says error',
    run: ({ agent }) => agent.emit('s', { kind: 'error', error: 'oh' }),
    reason: 'turn_ended',
    terminal: 'error',
  },
  {
    when: 'the agent says auth_required',
    run: ({ agent }) => agent.emit('s', { kind: 'auth_required', reason: 'r', message: 'm' }),
    reason: 'turn_ended',
    terminal: 'auth_required',
  },
  {
    when: 'the host cancels',
    run: ({ host }) => host.post('agents.chat.cancel', { session_id: 's' }),
    reason: 'turn_ended',
    terminal: 'done',
  },
  {
    when: 'the host role cancels',
    run: async ({ linked }) => (await linked.manager()).post('agents.chat.cancel', { session_id: 's' }),
    reason: 'turn_ended',
    terminal: 'done',
  },
  {
    when: 'the host cancels with a grace',
    run: async ({ linked, host }) => {
      host.post('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 });
      await linked.advance(30_020);
    },
    reason: 'turn_ended',
    terminal: 'done',
  },
  {
    when: 'the host replaces the turn',
    run: ({ host }) => host.post('agents.chat', { agent_id: 'echo', prompt: 'x', session_id: 's', on_busy: 'replace' }),
    reason: 'turn_ended',
    terminal: 'done',
  },
  {
    when: 'the broker stops and its time is over',
    run: ({ linked, broker }) => {
      void broker.close();
      return linked.advance(10_000);
    },
    reason: 'draining',
    terminal: 'error',
  },
  { when: 'the host disconnects', run: ({ host }) => host.close(), reason: 'host_disconnected', gone: 'host' },
  {
    when: 'the agent disconnects',
    run: ({ agent }) => agent.close(),
    reason: 'agent_disconnected',
    terminal: 'error',
    gone: 'agent',
  },
  {
    when: 'the agent connects anew',
    run: ({ linked }) => linked.agent('echo'),
    reason: 'agent_disconnected',
    terminal: 'error',
  },
  {
    when: 'the agent is removed',
    run: async ({ linked }) => (await linked.manager()).ok('agents.remove', { id: 'echo' }),
    reason: 'agent_disconnected',
    terminal: 'error',
    gone: 'agent',
  },
];

/** What a host heard of a turn's end, in order. */
const heard = (host: LinkedClient, from: number) =>
  host.frames
    .slice(from)
    .filter((frame) => frame.method)
    .map(({ method, params }) =>
      method === 'tools.cancel' ? `tools.cancel ${params.request_id} ${params.reason}` : params.kind,
    );

for (const ending of endings) {
  test(`tools.execute › when ${ending.when} › then both sides are told ${ending.reason}, before the terminal, and nothing comes after`, async () => {
    const scene = await startToolScene();
    const { linked, broker, host, agent, execute, cancels } = scene;
    const ids = [await execute({ action_id: 'one' }), await execute({ action_id: 'two', timeout_ms: 50_000 })];
    const from = host.frames.length;
    await ending.run(scene);
    await settle();
    const told = ids.map((_, n) => `tools.cancel cb-${n + 1} ${ending.reason}`);
    if (ending.gone !== 'host') {
      expect(heard(host, from)).toEqual([...told, ending.terminal]);
      expect(cancels().map(({ action_id }) => action_id)).toEqual(['one', 'two']);
    }
    if (ending.gone !== 'agent') {
      for (const id of ids) {
        expect(answersTo(agent, id)).toMatchObject([{ error: { code: -32018, data: { reason: ending.reason } } }]);
      }
    }
    for (const request of host.received('tools.execute')) host.answer(request, 'late');
    host.notify('tools.progress', { request_id: 'cb-1' });
    await linked.advance(10 * 60_000);
    if (ending.gone !== 'host') expect(heard(host, from)).toHaveLength(3);
    expect(agent.received('tools.progress')).toEqual([]);
    for (const id of ids) expect(answersTo(agent, id)).toHaveLength(ending.gone === 'agent' ? 0 : 1);
    expect(await readMetric(broker, 'callbacks_total')).toEqual({ cancelled: 2 });
    const isConnected = ending.gone !== 'host' && ending.reason !== 'draining';
    expect(await readDrops(broker)).toEqual(isConnected ? { late_response: 2, late_progress: 1 } : {});
  });

  test(`tools.execute › when ${ending.when} while a tool is parked at the gate › then its row is withdrawn and the host never hears of it`, async () => {
    const scene = await startToolScene({ approvals: { methods: ['tools.execute'] } });
    const { linked, broker, host, agent, execute, cancels } = scene;
    const watcher = await linked.manager();
    const id = await execute();
    const [row] = (await watcher.ok('host.approvals')).approvals;
    await ending.run(scene);
    await settle();
    if (ending.gone !== 'agent') {
      expect(answersTo(agent, id)).toMatchObject([{ error: { code: -32018, data: { reason: ending.reason } } }]);
    }
    expect(cancels()).toEqual([]);
    expect(host.received('tools.execute')).toEqual([]);
    expect(await readMetric(broker, 'approvals_total')).toEqual({ withdrawn: 1 });
    expect(await readMetric(broker, 'approvals_pending')).toEqual({});
    if (ending.reason === 'draining') return;
    const { error } = await watcher.call('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
    expect(error).toMatchObject({ code: -32016, data: { resolution: 'withdrawn' } });
    await linked.advance(60_000);
    expect(host.received('tools.execute')).toEqual([]);
  });
}

test('tools.execute › when the host cancels with a grace › then the agent is answered at once, and what it asks for then, too', async () => {
  const { host, agent, execute, cancels } = await startToolScene();
  const before = await execute();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 });
  expect(agent.replyTo(before).error).toMatchObject({ code: -32018, data: { reason: 'turn_ended' } });
  const after = await execute();
  expect(agent.replyTo(after).error).toMatchObject({ code: -32018, data: { reason: 'turn_ended' } });
  expect(host.received('tools.execute')).toHaveLength(1);
  expect(cancels()).toEqual([{ request_id: 'cb-1', action_id: '', reason: 'turn_ended' }]);
  expect(host.events()).toEqual([]);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(host.events()).toMatchObject([{ kind: 'done', finish_reason: 'stop' }]);
});

test('tools.execute › when another turn of the same host and agent ends › then it goes on', async () => {
  const { host, agent, execute, asked, cancels } = await startToolScene();
  const id = await execute();
  host.post('agents.chat', { agent_id: 'echo', prompt: 'x', session_id: 'other' });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  agent.emit('other', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(cancels()).toEqual([]);
  host.answer(asked(), 1);
  await settle();
  expect(agent.replyTo(id).result).toBe(1);
});

test('tools.execute › when the broker is draining › then tools of live turns run on until its time is over', async () => {
  const { broker, host, agent, execute, asked } = await startToolScene();
  void broker.close();
  await settle();
  const id = await execute();
  host.answer(asked(), 'noon');
  await settle();
  expect(agent.replyTo(id).result).toBe('noon');
});

test('tools.execute › when the newer connection of a replaced agent asks › then the old turn is not its own', async () => {
  const { linked, execute } = await startToolScene();
  await execute();
  const newer = await linked.agent('echo');
  expect((await newer.call('tools.execute', { session_id: 's', tool: 'clock', parameters: 1 })).error.code).toBe(
    -32014,
  );
});
