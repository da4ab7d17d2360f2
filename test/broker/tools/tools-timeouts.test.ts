import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';
import { answersTo, startToolScene } from '../../support/tool-scene.ts';

/* How long a tool may take, progress, and withdrawal by the agent (wire.md section 7). */

const MINUTE = 60_000;

test('tools.execute › when its time is over › then -32017, the host is told, and its late answer is dropped and counted', async () => {
  const { linked, broker, host, agent, execute, asked, cancels } = await startToolScene();
  const id = await execute({ timeout_ms: 1_000, action_id: 'act' });
  await linked.advance(999);
  expect(agent.replyTo(id)).toBeUndefined();
  expect(cancels()).toEqual([]);
  await linked.advance(21);
  expect(agent.replyTo(id).error).toEqual({ code: -32017, message: expect.any(String) });
  expect(cancels()).toEqual([{ request_id: 'cb-1', action_id: 'act', reason: 'timeout' }]);
  host.answer(asked(), 'late');
  host.notify('tools.progress', { request_id: 'cb-1' });
  await linked.advance(60 * MINUTE);
  expect(answersTo(agent, id)).toHaveLength(1);
  expect(cancels()).toHaveLength(1);
  expect(agent.received('tools.progress')).toEqual([]);
  expect(await readDrops(broker)).toEqual({ late_response: 1, late_progress: 1 });
});

test('tools.execute › when no time is given › then it is five minutes', async () => {
  const { linked, agent, execute } = await startToolScene();
  const id = await execute();
  await linked.advance(5 * MINUTE - 1);
  expect(agent.replyTo(id)).toBeUndefined();
  await linked.advance(21);
  expect(agent.replyTo(id).error.code).toBe(-32017);
});

test('tools.execute › when one times out › then the turn and the others go on', async () => {
  const { linked, host, agent, execute } = await startToolScene();
  const slow = await execute({ timeout_ms: 100 });
  const other = await execute();
  await linked.advance(200);
  expect(agent.replyTo(slow).error.code).toBe(-32017);
  host.answer(host.received('tools.execute')[1], 'fine');
  agent.emit('s', { kind: 'token', delta: 'x' });
  await settle();
  expect(agent.replyTo(other).result).toBe('fine');
  expect(host.events()).toMatchObject([{ delta: 'x' }]);
});

test('tools.execute › when it is answered in time › then nothing more comes when its time would be over', async () => {
  const { linked, host, agent, execute, asked, cancels } = await startToolScene();
  const id = await execute({ timeout_ms: 1_000 });
  await linked.advance(900);
  host.answer(asked(), 1);
  await linked.advance(MINUTE);
  expect(answersTo(agent, id)).toMatchObject([{ result: 1 }]);
  expect(cancels()).toEqual([]);
});

test('tools.progress › when the host sends it › then the agent reads it whole, with its own request’s id', async () => {
  const { host, agent } = await startToolScene();
  const params = { session_id: 's', tool: 'clock', parameters: {} };
  agent.send({ jsonrpc: '2.0', id: 'my-id', method: 'tools.execute', params });
  await settle();
  host.notify('tools.progress', { request_id: 'cb-1', progress: { done: 1, of: 2 }, message: 'half', extra: null });
  host.notify('tools.progress', { request_id: 'cb-1' });
  await settle();
  expect(agent.received('tools.progress')).toEqual([
    {
      jsonrpc: '2.0',
      method: 'tools.progress',
      params: { request_id: 'my-id', progress: { done: 1, of: 2 }, message: 'half', extra: null },
    },
    { jsonrpc: '2.0', method: 'tools.progress', params: { request_id: 'my-id' } },
  ]);
  agent.send({ jsonrpc: '2.0', id: 77, method: 'tools.execute', params });
  await settle();
  host.notify('tools.progress', { request_id: 'cb-2', progress: 0 });
  await settle();
  expect(agent.received('tools.progress').at(-1).params).toEqual({ request_id: 77, progress: 0 });
});

test('tools.progress › when it comes › then the timeout starts anew, up to ten times as long in all', async () => {
  const { linked, host, agent, execute, cancels } = await startToolScene();
  const id = await execute({ timeout_ms: 1_000 });
  for (let n = 1; n <= 11; n += 1) {
    await linked.advance(900);
    expect(agent.replyTo(id)).toBeUndefined();
    host.notify('tools.progress', { request_id: 'cb-1', progress: n });
  }
  // 9 900 ms by now: what is left is 100, whatever it says.
  await linked.advance(99);
  expect(agent.replyTo(id)).toBeUndefined();
  host.notify('tools.progress', { request_id: 'cb-1' });
  await linked.advance(21);
  expect(agent.replyTo(id).error.code).toBe(-32017);
  expect(cancels()).toEqual([{ request_id: 'cb-1', action_id: '', reason: 'timeout' }]);
});

test('tools.progress › when it stops › then the time is over a timeout after the last', async () => {
  const { linked, host, agent, execute } = await startToolScene();
  const id = await execute({ timeout_ms: 1_000 });
  await linked.advance(900);
  host.notify('tools.progress', { request_id: 'cb-1' });
  await linked.advance(999);
  expect(agent.replyTo(id)).toBeUndefined();
  await linked.advance(21);
  expect(agent.replyTo(id).error.code).toBe(-32017);
});

test('tools.progress › when it is malformed, or names nothing of that host’s › then it is dropped and counted, and restarts nothing', async () => {
  const { linked, broker, host, agent, execute } = await startToolScene();
  const id = await execute({ timeout_ms: 1_000 });
  await linked.advance(900);
  for (const params of [undefined, {}, { request_id: null }, { request_id: 'cb-1', message: 1 }, ['cb-1']]) {
    host.notify('tools.progress', params);
  }
  // The agent.chat's own id is a request of the broker's, yet no tool.
  for (const request_id of ['cb-2', 'sb-1', 1, 'constructor']) host.notify('tools.progress', { request_id });
  agent.notify('tools.progress', { request_id: agent.lastChat().id });
  await linked.advance(120);
  expect(agent.received('tools.progress')).toEqual([]);
  expect(agent.replyTo(id).error.code).toBe(-32017);
  expect(await readDrops(broker)).toEqual({ failed_notification: 5, late_progress: 5 });
});

test('tools.progress › when it comes as a request › then -32601', async () => {
  const { host, agent, execute } = await startToolScene();
  await execute();
  expect((await host.call('tools.progress', { request_id: 'cb-1' })).error.code).toBe(-32601);
  expect((await agent.call('tools.cancel', { id: 1 })).error.code).toBe(-32601);
});

test('tools.cancel › when the agent withdraws its own › then it is answered -32018 and the host is told, once', async () => {
  const { linked, broker, host, agent, execute, asked, cancels } = await startToolScene();
  const kept = await execute();
  const id = await execute({ action_id: 'act' });
  agent.notify('tools.cancel', { id });
  agent.notify('tools.cancel', { id });
  await settle();
  expect(agent.replyTo(id).error).toMatchObject({ code: -32018, data: { reason: 'agent_withdrew' } });
  expect(cancels()).toEqual([{ request_id: 'cb-2', action_id: 'act', reason: 'agent_withdrew' }]);
  host.answer(asked(), 'late');
  await linked.advance(MINUTE);
  expect(answersTo(agent, id)).toHaveLength(1);
  expect(await readDrops(broker)).toEqual({ late_response: 1, late_withdrawal: 1 });
  host.answer(host.received('tools.execute')[0], 'fine');
  await settle();
  expect(agent.replyTo(kept).result).toBe('fine');
});

test('tools.cancel › when it names another’s, none at all, or is malformed › then nothing happens, and it is counted', async () => {
  const { linked, broker, host, agent, cancels } = await startToolScene();
  const params = { session_id: 's', tool: 'clock', parameters: {} };
  agent.send({ jsonrpc: '2.0', id: 'mine', method: 'tools.execute', params });
  await settle();
  for (const stranger of [host, await linked.agent('other'), await linked.manager()]) {
    stranger.notify('tools.cancel', { id: 'mine' });
    stranger.notify('tools.cancel', { id: 'cb-1' });
  }
  // The host's id for it is not the agent's.
  agent.notify('tools.cancel', { id: 'cb-1' });
  for (const wrong of [undefined, {}, { id: null }, { id: ['mine'] }]) agent.notify('tools.cancel', wrong);
  await settle();
  expect(cancels()).toEqual([]);
  expect(answersTo(agent, 'mine')).toEqual([]);
  expect(await readDrops(broker)).toEqual({ late_withdrawal: 7, failed_notification: 4 });
});

test('tools.cancel › when the tool is parked at the gate › then its row is withdrawn, and the host never hears of it', async () => {
  const { host, agent, execute, cancels } = await startToolScene({ approvals: { methods: ['tools.execute:clock'] } });
  const id = await execute();
  agent.notify('tools.cancel', { id });
  await settle();
  expect(agent.replyTo(id).error).toMatchObject({ code: -32018, data: { reason: 'agent_withdrew' } });
  expect((await host.ok('host.approvals')).approvals).toMatchObject([{ status: 'withdrawn' }]);
  expect(host.received('tools.execute')).toEqual([]);
  expect(cancels()).toEqual([]);
});

test('a turn › when it waits for a tool › then it is not stale, and its fifteen minutes begin when it waits no more', async () => {
  const { linked, host, agent, execute, asked } = await startToolScene();
  const id = await execute({ timeout_ms: 24 * 60 * MINUTE });
  await linked.advance(20 * 60 * MINUTE);
  expect(host.events()).toEqual([]);
  host.answer(asked(), 1);
  await settle();
  expect(agent.replyTo(id).result).toBe(1);
  await linked.advance(15 * MINUTE - 1);
  expect(host.events()).toEqual([]);
  await linked.advance(5_001);
  expect(host.events()).toMatchObject([{ kind: 'error', code: 'stale' }]);
});

test('a turn › when its tool is parked at the gate › then it is not stale', async () => {
  const { linked, host, execute } = await startToolScene({
    approvals: { methods: ['tools.execute:clock'], timeoutMs: 60 * MINUTE },
  });
  await execute();
  await linked.advance(59 * MINUTE);
  expect(host.events().map(({ kind }) => kind)).toEqual(['gate_pending']);
});

test('metrics › when tool calls end › then each is counted by how, with the time it took', async () => {
  const { linked, broker, host, agent, execute, asked } = await startToolScene();
  await execute();
  await linked.advance(1_500);
  host.answer(asked(), 1);
  await execute();
  host.send({ jsonrpc: '2.0', id: asked().id, error: { code: 1, message: '' } });
  await execute({ timeout_ms: 1_000 });
  await linked.advance(1_000);
  agent.notify('tools.cancel', { id: await execute() });
  await settle();
  const all = { resolved: 1, rejected: 1, timedOut: 1, cancelled: 1 };
  expect(await readMetric(broker, 'callbacks_total')).toEqual(all);
  expect(await readMetric(broker, 'callbacks_seconds_total')).toEqual({ resolved: 1.5, timedOut: 1 });
});
