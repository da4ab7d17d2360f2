import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';

const text = (length: number) => 'x'.repeat(length);

test('host.subscribe › when one client has notified of as much as it may › then the snapshot is still small enough to be sent', async () => {
  const { host: connect } = startLinked({ limits: { keptEventBytes: 10_000 } });
  const loud = await connect();
  for (let n = 0; n < 50; n += 1) await loud.ok('host.notify', { payload: text(1_000) });
  const { events } = await loud.ok('host.events', { limit: 500 });
  expect(events.length).toBeLessThanOrEqual(10);
  expect(events.at(-1).sequence).toBe(50);
  // The newest stays, however large it is.
  await loud.ok('host.notify', { payload: text(20_000) });
  expect((await loud.ok('host.events')).events).toHaveLength(1);
});

test('host.request_approval › when all pending ones hold as much as they may › then one more is refused, and there is room again later', async () => {
  const linked = startLinked({ limits: { maxPendingApprovalBytes: 3_000 } });
  const [one, other] = [await linked.host(), await linked.host()];
  const first = await one.ok('host.request_approval', { action: 'a', details: { text: text(2_000) } });
  const refused = await other.call('host.request_approval', { action: 'b', details: { text: text(2_000) } });
  expect(refused.error).toMatchObject({
    code: -32020,
    data: { limit: { name: 'max_pending_approval_bytes', value: 3_000 } },
  });
  await one.ok('host.resolve_approval', { approval_id: first.id, resolution: 'approve' });
  await other.ok('host.request_approval', { action: 'b', details: { text: text(2_000) } });
});

test('host.approvals › when resolved ones hold more than is kept › then the oldest are forgotten', async () => {
  const linked = startLinked({ limits: { keptApprovalBytes: 2_500 } });
  const host = await linked.host();
  for (const action of ['a', 'b', 'c']) {
    const { id } = await host.ok('host.request_approval', { action, details: { text: text(1_000) } });
    await host.ok('host.resolve_approval', { approval_id: id, resolution: 'deny' });
  }
  const { approvals } = await host.ok('host.approvals');
  expect(approvals.map((row: { action: string }) => row.action)).toEqual(['b', 'c']);
});

test('a chat’s approval › when its words are long › then the event passes whole, and the row is cut; its id has an end', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit('s', { kind: 'approval_pending', approval_id: 'a', action: text(5_000) });
  agent.emit('s', { kind: 'approval_pending', approval_id: text(1_025), action: 'x' });
  await settle();
  expect(host.events('s').map((event) => event.action.length)).toEqual([5_000]);
  const { approvals } = await host.ok('host.approvals');
  expect(approvals).toHaveLength(1);
  expect(approvals[0].action).toHaveLength(1_025);
});

test('host.register_agent › when all registered ones hold as much as they may › then one more is refused', async () => {
  const linked = startLinked({ limits: { maxRegisteredBytes: 3_000 } });
  const [one, other] = [await linked.host(), await linked.host()];
  const agent = (id: string) => ({ id, name: id, kind: 'k', metadata: { text: text(2_000) } });
  await one.ok('host.register_agent', agent('a'));
  // The same again takes no more room.
  await one.ok('host.register_agent', agent('a'));
  expect((await other.call('host.register_agent', agent('b'))).error.code).toBe(-32020);
  one.close();
  await settle();
  await other.ok('host.register_agent', agent('b'));
});

test('tools.register › when the definitions are larger than an agent should be sent › then none is registered', async () => {
  const linked = startLinked({ limits: { maxToolBytes: 1_000 } });
  const host = await linked.host();
  const reply = await host.call('tools.register', [{ name: 'small' }, { name: 'large', description: text(1_000) }]);
  expect(reply.error).toMatchObject({ code: -32020, data: { limit: { name: 'max_tool_bytes', value: 1_000 } } });
  expect((await host.ok('tools.list')).count).toBe(0);
});

test('host.register_agent › when the id is a known agent’s › then nobody else gets it, attached or not', async () => {
  const linked = startLinked();
  const host = await linked.host();
  linked.broker.upsertAgent({ id: 'known' });
  expect((await host.call('host.register_agent', { id: 'known', name: 'n', kind: 'k' })).error.code).toBe(-32015);
  const agent = await linked.agent('known');
  await agent.ok('host.register_agent', { id: 'known', name: 'n', kind: 'k' });
});
