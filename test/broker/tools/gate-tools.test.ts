import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { answersTo, approvalsOf, eventsOf, startToolScene, subscribe } from '../../support/tool-scene.ts';

/* One tool, or every tool, at the gate (wire.md sections 5 and 7). */

const TOOLS = [{ name: 'clock' }, { name: 'risky' }];

async function setUp(methods: string[] = ['tools.execute:risky']) {
  const scene = await startToolScene({ approvals: { methods } }, TOOLS);
  const answer = async (resolution: string, n = -1) => {
    const row = (await approvalsOf(scene.host)).at(n);
    return scene.host.call('host.resolve_approval', { approval_id: row?.id, resolution });
  };
  return { ...scene, answer };
}

test('the gate › when one tool is in its set › then that one waits, the others do not', async () => {
  const { host, agent, execute, asked, answer } = await setUp();
  await execute({ tool: 'clock' });
  expect(asked().params.tool).toBe('clock');
  const id = await execute({ tool: 'risky', parameters: { a: 1 } });
  expect(host.received('tools.execute')).toHaveLength(1);
  await answer('approve');
  expect(asked().params).toMatchObject({ tool: 'risky', parameters: { a: 1 } });
  host.answer(asked(), 'ran');
  await settle();
  expect(agent.replyTo(id).result).toBe('ran');
});

test('the gate › when tools.execute is in its set › then every tool waits', async () => {
  const { host, execute } = await setUp(['tools.execute']);
  await execute({ tool: 'clock' });
  await execute({ tool: 'risky' });
  expect(host.received('tools.execute')).toEqual([]);
  expect(await approvalsOf(host)).toHaveLength(2);
});

test('the gate › when the set has tools.execute: with no tool, or another’s case › then nothing waits', async () => {
  const { host, execute } = await setUp(['tools.execute:', 'tools.execute:Risky', 'tools.execute:*']);
  await execute({ tool: 'risky' });
  expect(host.received('tools.execute')).toHaveLength(1);
});

test('the gate › when a tool is parked › then its row tells which, and shows no secrets', async () => {
  const { linked, host, turnId, execute } = await setUp();
  const watcher = await linked.manager();
  await subscribe(watcher);
  await execute({ tool: 'risky', parameters: { path: '/', password: 'hunter2' }, action_id: 'act' });
  const rows = await approvalsOf(host);
  expect(rows).toEqual([
    {
      id: expect.any(String),
      origin: 'gate',
      agent_id: 'echo',
      action: 'ws.method:tools.execute',
      details: {
        method: 'tools.execute',
        tool: 'risky',
        params_preview: '{"path":"/","password":"[redacted]"}',
        session_id: 's',
        turn_id: turnId,
      },
      options: ['approve', 'deny'],
      status: 'pending',
      created_at: '1970-01-01T00:00:00.000Z',
      expires_at: '1970-01-01T00:01:00.000Z',
    },
  ]);
  expect(eventsOf(watcher)).toMatchObject([{ kind: 'approval.requested', agent_id: 'echo', payload: rows[0] }]);
});

test('the gate › when a tool is denied › then the agent gets -32003, and the host never hears of it', async () => {
  const { linked, broker, host, agent, execute, answer } = await setUp();
  const id = await execute({ tool: 'risky' });
  const { result } = await answer('no');
  expect(agent.replyTo(id).error).toMatchObject({ code: -32003, data: { reason: 'denied', approval_id: result.id } });
  await linked.advance(600_000);
  expect(answersTo(agent, id)).toHaveLength(1);
  expect(host.received('tools.execute')).toEqual([]);
  expect(host.received('tools.cancel')).toEqual([]);
  expect(await readMetric(broker, 'callbacks_total')).toEqual({ rejected: 1 });
});

test('the gate › when nobody answers for a tool › then the agent gets -32003 timeout after 60 s', async () => {
  const { linked, host, agent, execute, answer } = await setUp();
  const id = await execute({ tool: 'risky', timeout_ms: 1 });
  await linked.advance(59_999);
  expect(agent.replyTo(id)).toBeUndefined();
  await linked.advance(21);
  const [{ id: approval_id, status }] = (await approvalsOf(host)) as [{ id: string; status: string }];
  expect(status).toBe('expired');
  expect(agent.replyTo(id).error).toMatchObject({ code: -32003, data: { reason: 'timeout', approval_id } });
  expect((await answer('approve')).error.code).toBe(-32016);
  expect(host.received('tools.execute')).toEqual([]);
});

test('tools.execute › when a gate parks it › then its time starts when the host is asked', async () => {
  const { linked, host, agent, execute, answer, cancels } = await setUp();
  const id = await execute({ tool: 'risky', timeout_ms: 1_000 });
  await linked.advance(50_000);
  await answer('approve');
  await linked.advance(900);
  host.notify('tools.progress', { request_id: 'cb-1' });
  await linked.advance(900);
  expect(agent.replyTo(id)).toBeUndefined();
  // Ten times as long in all, from then on.
  for (let n = 0; n < 9; n += 1) {
    host.notify('tools.progress', { request_id: 'cb-1' });
    await linked.advance(900);
    expect(agent.replyTo(id)).toBeUndefined();
  }
  host.notify('tools.progress', { request_id: 'cb-1' });
  await linked.advance(120);
  expect(agent.replyTo(id).error.code).toBe(-32017);
  expect(cancels()).toMatchObject([{ reason: 'timeout' }]);
});

test('the gate › when the agent or another agent answers for its tool › then -32015; the host itself may', async () => {
  const { linked, host, agent, execute, answer } = await setUp();
  await execute({ tool: 'risky' });
  const [row] = await approvalsOf(host);
  for (const client of [agent, await linked.agent('other')]) {
    const { error } = await client.call('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
    expect(error.code).toBe(-32015);
  }
  expect((await answer('approve')).result.status).toBe('approved');
  expect(host.received('tools.execute')).toHaveLength(1);
});

test('the gate › when a gated tool is unknown, the session is not its own, or the params are wrong › then it is refused at once', async () => {
  const { linked, host, agent, execute } = await setUp(['tools.execute']);
  expect(agent.replyTo(await execute({ tool: 'none' })).error.code).toBe(-32019);
  expect(agent.replyTo(await execute({ session_id: 'none' })).error.code).toBe(-32014);
  expect(agent.replyTo(await execute({ tool: 1 })).error.code).toBe(-32602);
  const other = await linked.agent('other');
  const params = { session_id: 's', tool: 'risky', parameters: 1 };
  expect((await other.call('tools.execute', params)).error.code).toBe(-32014);
  expect(await approvalsOf(host)).toEqual([]);
});

test('the gate › when a gated tool is asked for by a notification › then it waits, too', async () => {
  const { host, agent, asked, answer } = await setUp();
  const frames = agent.frames.length;
  agent.notify('tools.execute', { session_id: 's', tool: 'risky', parameters: 1 });
  agent.notify('tools.execute', { session_id: 's', tool: 'risky', parameters: 2 });
  await settle();
  expect(host.received('tools.execute')).toEqual([]);
  await answer('deny', 0);
  await answer('approve', 1);
  expect(host.received('tools.execute')).toHaveLength(1);
  expect(asked().params.parameters).toBe(2);
  host.answer(asked(), 1);
  await settle();
  expect(agent.frames).toHaveLength(frames);
});

test('draining › when a tool is parked at the gate › then approved it runs, while its turn lives', async () => {
  const { broker, host, agent, execute, asked, answer } = await setUp();
  const id = await execute({ tool: 'risky' });
  void broker.close();
  await settle();
  await answer('approve');
  host.answer(asked(), 'ran');
  await settle();
  expect(agent.replyTo(id).result).toBe('ran');
});
