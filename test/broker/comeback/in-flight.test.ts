import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { startComeback, told } from './comeback-scene.ts';

/* What is under way when an agent loses its connection: tool calls, approvals, a cancel. */

const CALL = { session_id: 's', tool: 'clock', parameters: { zone: 'utc' }, action_id: 'a1' };
const PENDING = { kind: 'approval_pending', approval_id: 'p', tool: 'rm' };

test('a tool call › when the agent asks again while it runs › then the host is asked once, and the answer is the new connection’s', async () => {
  const { host, agent, cut, back } = await startComeback();
  agent.post('tools.execute', CALL);
  await settle();
  await cut();
  expect(host.received('tools.cancel')).toEqual([]);
  const { agent: next } = await back();
  const again = next.post('tools.execute', { ...CALL, attempt: 2 });
  await settle();
  const [request, ...others] = host.received('tools.execute');
  expect(others).toEqual([]);
  host.notify('tools.progress', { request_id: request.id, progress: 0.5 });
  await settle();
  expect(next.received('tools.progress')[0].params).toMatchObject({ request_id: again, progress: 0.5 });
  host.answer(request, { now: 1 });
  await settle();
  expect(next.replyTo(again).result).toEqual({ now: 1 });
});

test('a tool call › when it is answered while the agent is away › then the answer waits for it', async () => {
  const { host, agent, cut, back } = await startComeback();
  agent.post('tools.execute', CALL);
  await settle();
  await cut();
  host.answer(host.received('tools.execute')[0], { now: 1 });
  await settle();
  const { agent: next } = await back();
  expect((await next.call('tools.execute', { ...CALL, attempt: 2 })).result).toEqual({ now: 1 });
  expect(host.received('tools.execute')).toHaveLength(1);
  // It was had: the same again is another call.
  next.post('tools.execute', { ...CALL, attempt: 3 });
  await settle();
  expect(host.received('tools.execute').at(-1).params).toMatchObject({ action_id: 'a1', attempt: 3 });
});

test('a tool call › when its answer finds no room › then the host is asked again', async () => {
  const { host, agent, cut, back } = await startComeback({ limits: { maxHeldBytes: 1_000 } });
  agent.post('tools.execute', CALL);
  await settle();
  await cut();
  host.answer(host.received('tools.execute')[0], { text: 'x'.repeat(2_000) });
  await settle();
  const { agent: next } = await back();
  next.post('tools.execute', { ...CALL, attempt: 2 });
  await settle();
  expect(host.received('tools.execute').at(-1).params).toMatchObject({ action_id: 'a1', attempt: 2 });
});

test('a tool call › without an action_id, or of another tool › then it is another call', async () => {
  const { host, agent, cut, back } = await startComeback();
  await host.ok('tools.register', [{ name: 'other' }]);
  agent.post('tools.execute', { ...CALL, action_id: '' });
  agent.post('tools.execute', CALL);
  await settle();
  await cut();
  const { agent: next } = await back();
  next.post('tools.execute', { ...CALL, action_id: '', attempt: 2 });
  next.post('tools.execute', { ...CALL, tool: 'other', attempt: 2 });
  await settle();
  expect(host.received('tools.execute')).toHaveLength(4);
});

test('a tool call › when its turn ends while the agent is away › then the host hears that it is over', async () => {
  const { linked, host, agent, cut } = await startComeback();
  agent.post('tools.execute', CALL);
  await settle();
  await cut();
  await linked.advance(60_040);
  expect(host.received('tools.cancel').map(({ params }) => params.reason)).toEqual(['agent_disconnected']);
});

test('a tool call › while it waits at the gate › then its row goes with the connection, and is raised again', async () => {
  const { linked, host, agent, cut, back } = await startComeback({ approvals: { methods: ['tools.execute:clock'] } });
  agent.post('tools.execute', CALL);
  await settle();
  await cut();
  const pending = async () =>
    (await host.ok('host.approvals')).approvals.filter(({ status }: { status: string }) => status === 'pending');
  expect(await pending()).toEqual([]);
  const { agent: next } = await back();
  const again = next.post('tools.execute', { ...CALL, attempt: 2 });
  await settle();
  const [row] = await pending();
  const manager = await linked.manager();
  await manager.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  host.answer(host.received('tools.execute')[0], { now: 1 });
  await settle();
  expect(next.replyTo(again).result).toEqual({ now: 1 });
});

test('an approval › while the agent is away › then it stays pending, nobody can answer it, and it is answered when the agent is back', async () => {
  const { host, agent, say, cut, back, status } = await startComeback();
  await say(agent, 1, PENDING);
  await cut();
  expect(await status()).toBe('orphaned');
  const answer = { session_id: 's', approval_id: 'p', decision: true };
  expect((await host.call('agents.chat.approve', answer)).error).toMatchObject({ code: -32011 });
  const rows = (await host.ok('host.approvals')).approvals;
  expect(rows).toEqual([expect.objectContaining({ status: 'pending' })]);
  expect(
    (await host.call('host.resolve_approval', { approval_id: rows[0].id, resolution: 'approve' })).error.code,
  ).toBe(-32011);
  const { agent: next } = await back();
  expect(await status()).toBe('parked');
  const id = host.post('agents.chat.approve', answer);
  await settle();
  next.answer(next.received('agent.chat.approve')[0], { resolved: true });
  await settle();
  expect(host.replyTo(id).result.resolved).toBe(true);
  expect(await status()).toBe('streaming');
});

test('an approval › whose answer was on its way › then it is put back, and what the agent then says of it counts', async () => {
  const { linked, host, agent, say, cut, back, status } = await startComeback();
  await say(agent, 1, PENDING);
  const id = host.post('agents.chat.approve', { session_id: 's', approval_id: 'p', decision: true });
  await settle();
  await cut();
  const { agent: next } = await back();
  await linked.advance(5_020);
  expect(host.replyTo(id).error.code).toBe(-32004);
  expect(await status()).toBe('parked');
  await say(next, 2, { kind: 'approval_resolved', approval_id: 'p', resolution: 'approve' });
  expect(await status()).toBe('streaming');
});

test('a cancel with grace › when the agent is cut in it › then it is told again, with what is left', async () => {
  const { linked, host, agent, cut, back, say } = await startComeback();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  expect(agent.received('agent.chat.cancel')).toHaveLength(1);
  await cut();
  await linked.advance(4_000);
  const { agent: next, row } = await back();
  expect(row).toMatchObject({ status: 'resumed', cancel: { reason: 'host_cancelled', grace_ms: 6_000 } });
  await say(next, 1, { kind: 'done', finish_reason: 'cancelled' });
  expect(told(host)).toEqual(['agent_away', 'agent_back', '1 done cancelled']);
});

test('a cancel with grace › while the agent is away › then it is told when it is back, or not at all', async () => {
  const { linked, host, agent, cut, back, status } = await startComeback();
  await cut();
  await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  expect(await status()).toBe('cancelling');
  const { agent: next, row } = await back();
  expect(row.cancel).toEqual({ reason: 'host_cancelled', grace_ms: 10_000 });
  await cut(next);
  await linked.advance(10_020);
  expect(told(host).at(-1)).toBe('1 done cancelled');
  expect(agent.received('agent.chat.cancel')).toEqual([]);
});

test('a cancel without grace › while the agent is away › then the turn is over, and the agent finds it so', async () => {
  const { host, cut, back } = await startComeback();
  await cut();
  await host.ok('agents.chat.cancel', { session_id: 's' });
  expect(told(host)).toEqual(['agent_away', '1 done cancelled']);
  expect((await back()).row.status).toBe('unknown');
});

test('a chat › when its agent is lost before it has taken it › then it is refused, and the agent hears that nobody waits', async () => {
  const { host, agent, cut, attach } = await startComeback();
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 't' });
  await settle();
  const { turn_id } = agent.lastChat().params;
  await cut();
  expect(host.replyTo(id).error.code).toBe(-32011);
  const next = await attach();
  const { turns } = await next.ok('agent.resume', { turns: [{ turn_id, session_id: 't' }] });
  expect(turns[0].status).toBe('unknown');
});
