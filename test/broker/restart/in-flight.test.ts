import { expect, onTestFinished, test, vi } from 'vitest';
import { settle } from '../../support/linked.ts';
import { DONE, startKept, statusOf } from './restart-scene.ts';

/* What is under way when the broker is killed: cancels, approvals, tool calls. */

test('a cancel in its grace › when the broker is killed › then the agent is told again, and the turn ends', async () => {
  const { agent, host, say, again, named } = await startKept();
  await say(agent, 1, 'a');
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 20_000 });
  await settle();
  const next = await again();
  expect(await statusOf(next)).toBe('cancelling');
  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [named()] });
  expect(turns).toMatchObject([{ status: 'resumed', cancel: { reason: 'host_cancelled' } }]);
  expect(turns[0].cancel.grace_ms).toBeGreaterThan(15_000);
  await say(agentBack, 2, { kind: 'done', finish_reason: 'cancelled' });
  expect(await statusOf(next)).toBeUndefined();
});

test('a cancel in its grace › when nobody comes back › then the turn ends with it', async () => {
  const { host, again, claim } = await startKept();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 20_000 });
  await settle();
  const next = await again();
  await next.linked.advance(20_040);
  const back = await next.linked.host();
  expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'cancelled', head: 1 });
});

const PENDING = { kind: 'approval_pending', approval_id: 'p', tool: 'rm', params: { path: '/' } };

test('an approval › when the broker is killed while it waits › then it is listed again, and answered once', async () => {
  const { agent, say, again, named, claim } = await startKept();
  await say(agent, 1, 'a', PENDING);
  const next = await again();
  const back = await next.linked.host();
  const { pending_approvals } = await back.ok('agents.chat.subscribe', claim({ after: 2 }));
  expect(pending_approvals).toMatchObject([{ approval_id: 'p', tool: 'rm', params: { path: '/' }, seq: 2 }]);
  const rows = (await back.ok('host.approvals')).approvals;
  expect(rows).toMatchObject([{ status: 'pending', details: { approval_id: 'p', source: 'chat' } }]);
  const decide = { session_id: 's', approval_id: 'p', decision: true };
  expect((await back.call('agents.chat.approve', decide)).error.code).toBe(-32011);
  const agentBack = await next.attach();
  await agentBack.ok('agent.resume', { turns: [named({ pending_approvals: ['p'] })] });
  expect(await statusOf(next)).toBe('parked');
  const decided = back.post('agents.chat.approve', decide);
  await settle();
  agentBack.answer(agentBack.received('agent.chat.approve')[0], { resolved: true });
  await settle();
  expect(back.replyTo(decided).result).toMatchObject({ resolved: true });
  expect(await statusOf(next)).toBe('streaming');
});

test('an approval › when its agent waits for it no more › then it is withdrawn', async () => {
  const { agent, say, again, named } = await startKept();
  await say(agent, 1, PENDING, { ...PENDING, approval_id: 'q' });
  await say(agent, 3, { kind: 'approval_resolved', approval_id: 'q', resolution: 'approve' });
  const next = await again();
  const manager = await next.linked.manager();
  const pending = async () =>
    (await manager.ok('host.approvals')).approvals.filter(({ status }: { status: string }) => status === 'pending');
  expect(await pending()).toMatchObject([{ details: { approval_id: 'p' } }]);
  const agentBack = await next.attach();
  await agentBack.ok('agent.resume', { turns: [named({ pending_approvals: [] })] });
  expect(await pending()).toEqual([]);
  expect(await statusOf(next)).toBe('detached');
});

test('a tool call › when the agent repeats it after the broker was killed › then the host is asked by the same action_id', async () => {
  const { agent, host, again, named, claim } = await startKept();
  const call = { session_id: 's', tool: 'clock', parameters: {}, action_id: 'a1' };
  agent.post('tools.execute', call);
  await settle();
  expect(host.received('tools.execute')).toHaveLength(1);
  const next = await again();
  const back = await next.linked.host();
  await back.ok('tools.register', [{ name: 'clock' }]);
  await back.ok('agents.chat.subscribe', claim());
  const agentBack = await next.attach();
  await agentBack.ok('agent.resume', { turns: [named()] });
  expect(back.received('tools.execute')).toEqual([]);
  const again2 = agentBack.post('tools.execute', { ...call, attempt: 2 });
  await settle();
  const [request] = back.received('tools.execute');
  expect(request.params).toMatchObject({ action_id: 'a1', attempt: 2 });
  back.answer(request, { now: 1 });
  await settle();
  expect(agentBack.replyTo(again2).result).toEqual({ now: 1 });
});

test('a tool call › when the agent is back before the host › then it waits for that one, or for the turn’s end', async () => {
  const { again, named, claim } = await startKept();
  const call = { session_id: 's', tool: 'clock', parameters: {}, action_id: 'a1', attempt: 2 };
  const next = await again();
  const agentBack = await next.attach();
  await agentBack.ok('agent.resume', { turns: [named()] });
  const asked = agentBack.post('tools.execute', call);
  await settle();
  expect(agentBack.replyTo(asked)).toBeUndefined();
  const back = await next.linked.host();
  await back.ok('tools.register', [{ name: 'clock' }]);
  await back.ok('agents.chat.subscribe', claim());
  await settle();
  const [request] = back.received('tools.execute');
  expect(back.frames.indexOf(request)).toBeGreaterThan(back.frames.findIndex(({ result }) => result?.head === 0));
  back.answer(request, { now: 1 });
  await settle();
  expect(agentBack.replyTo(asked).result).toEqual({ now: 1 });
  // A host that goes later is away as ever.
  back.cut();
  await settle();
  expect((await agentBack.call('tools.execute', { ...call, action_id: 'a2', attempt: 1 })).error.code).toBe(-32019);

  const other = await startKept();
  const life = await other.again();
  const its = await life.attach();
  await its.ok('agent.resume', { turns: [other.named()] });
  await (await life.linked.manager()).ok('agents.chat.subscribe', { session_id: 's', role: 'observer' });
  const last = its.post('tools.execute', call);
  its.emit('s', { ...DONE, turn_id: other.turnId, aseq: 1 });
  await settle();
  expect(its.replyTo(last).error).toMatchObject({ code: -32018, data: { reason: 'turn_ended' } });
});

test('a cancel in its grace › when the clock has been set back while the broker was down › then it has no more than any', async () => {
  const { host, again, named } = await startKept();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 3_000 });
  await settle();
  vi.setSystemTime(Date.now() - 10 * 24 * 3_600_000);
  onTestFinished(() => void vi.useRealTimers());
  const next = await again();
  const { turns } = await (await next.attach()).ok('agent.resume', { turns: [named()] });
  expect(turns[0].cancel.grace_ms).toBeLessThanOrEqual(30_000);
  await next.linked.advance(30_040);
  expect(await statusOf(next)).toBeUndefined();
});
