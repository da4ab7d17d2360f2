import { expect, test } from 'vitest';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { settle } from '../../support/linked.ts';
import { heard, startResumable } from '../../support/resume-scene.ts';
import { approvalsOf, pending, resolved } from '../../support/tool-scene.ts';

/* What a turn waits for outlives its host, and goes to the next one (wire.md sections 5 and 8). */

/** A parked turn whose host has gone. */
async function park(event: object = pending('a'), options = {}) {
  const scene = await startResumable(options);
  await scene.say('x');
  await scene.emit(event);
  await scene.leave();
  return scene;
}

const approve = (client: LinkedClient): Promise<Message> =>
  client.call('agents.chat.approve', { session_id: 's', approval_id: 'a', decision: true });

test('a pending approval › when the host goes › then it stays, and only the host role may answer it', async () => {
  const scene = await park();
  const [stranger, manager] = [await scene.linked.host(), await scene.linked.manager()];
  const [row] = await approvalsOf(stranger);
  expect(row).toMatchObject({ status: 'pending' });
  expect(row.details).not.toHaveProperty('params');
  expect((await approve(stranger)).error.code).toBe(-32015);
  manager.post('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  await settle();
  scene.agent.answer(scene.agent.received('agent.chat.approve').at(-1), { resolved: true });
  await settle();
  expect(await approvalsOf(manager)).toMatchObject([{ status: 'approved' }]);
  expect(await scene.status()).toBe('detached');
  const { result } = await scene.resume();
  expect(result).toMatchObject({ status: 'streaming', pending_approvals: [] });
});

test('a pending approval › when a new host comes › then it is told of it, sees it whole, and may answer', async () => {
  const scene = await park();
  const { client, result } = await scene.resume({ after: 2 });
  expect(result).toMatchObject({ status: 'parked', head: 2 });
  // The very event, stamp and all.
  expect(result.pending_approvals).toEqual([scene.host.events('s').at(-1)]);
  expect(heard(client)).toEqual([]);
  expect((await approvalsOf(client))[0].details.params).toEqual({ path: '/' });
  const id = client.post('agents.chat.approve', { session_id: 's', approval_id: 'a', decision: true });
  await settle();
  scene.agent.answer(scene.agent.received('agent.chat.approve').at(-1), { resolved: true });
  await settle();
  expect(client.replyTo(id)?.result).toEqual({ resolved: true, session_id: 's' });
  expect(await scene.status()).toBe('streaming');
});

test('a pending approval › when a new host takes over › then the old one sees and does nothing with it any more', async () => {
  const scene = await startResumable();
  await scene.emit(pending('a'));
  await scene.resume();
  expect((await approve(scene.host)).error.code).toBe(-32015);
  const [row] = await approvalsOf(scene.host);
  expect(row.details).not.toHaveProperty('params');
  const resolve = { approval_id: row.id, resolution: 'approve' };
  expect((await scene.host.call('host.resolve_approval', resolve)).error.code).toBe(-32015);
});

test('a pending approval › when the agent ends it while no host is there › then the next host finds none', async () => {
  const scene = await park();
  await scene.emit(pending('b'));
  await scene.emit(resolved('a'));
  const { client, result } = await scene.resume({ after: 1 });
  expect(result).toMatchObject({ status: 'parked', pending_approvals: [{ approval_id: 'b', seq: 3 }] });
  expect(heard(client)).toEqual(['2 approval_pending', '3 approval_pending', '4 approval_resolved']);
});

test('a pending approval › when it comes while no host is there › then the turn is parked for the next one', async () => {
  const scene = await startResumable();
  await scene.leave();
  await scene.emit(pending('a'));
  expect(await scene.status()).toBe('detached');
  const { client, result } = await scene.resume();
  expect(result).toMatchObject({ status: 'parked', pending_approvals: [{ approval_id: 'a', seq: 1 }] });
  await scene.emit(resolved('a'));
  expect(heard(client)).toEqual(['1 approval_pending', '2 approval_resolved']);
  expect(await scene.status()).toBe('streaming');
});

test('a pending approval › when nobody comes back in time › then it is withdrawn', async () => {
  const scene = await park();
  await scene.linked.advance(60_020);
  const manager = await scene.linked.manager();
  expect(await approvalsOf(manager)).toMatchObject([{ status: 'withdrawn' }]);
});

test('a pending approval › when its event is no longer in the log › then it is told of all the same', async () => {
  const event = pending('a', { deadline: 7 });
  const scene = await park(event, { limits: { maxLogBytes: 400 } });
  await scene.say(...Array<string>(20).fill('0123456789'));
  const { result } = await scene.resume();
  expect(result.recovered).toBe(false);
  const [told] = result.pending_approvals;
  expect(told).toMatchObject({ ...event, session_id: 's', turn_id: scene.turnId, agent_id: 'echo', seq: 2 });
  expect(told).not.toHaveProperty('source');
});

test('an answer on its way to the agent › when its asker goes › then it counts, and the next host sees that', async () => {
  const scene = await startResumable();
  await scene.emit(pending('a'));
  scene.host.post('agents.chat.approve', { session_id: 's', approval_id: 'a', decision: true });
  await settle();
  await scene.leave();
  const { client } = await scene.resume();
  expect((await approve(client)).error.code).toBe(-32016);
  scene.agent.answer(scene.agent.received('agent.chat.approve').at(-1), { resolved: true });
  await settle();
  expect(await scene.status()).toBe('streaming');
});

test.each([
  [true, 'approve', 'approved'],
  [false, 'deny', 'denied'],
])(
  'agents.chat.approve › when %s was given already › then -32016 says so, as long as the row is kept',
  async (decision, taken, resolution) => {
    const scene = await startResumable({ limits: { keptApprovals: 1 } });
    await scene.emit(pending('a'));
    const params = { session_id: 's', approval_id: 'a', decision };
    const error = async () => (await scene.host.call('agents.chat.approve', params)).error;
    scene.host.post('agents.chat.approve', params);
    await settle();
    // The agent has not said yet whether it counts.
    expect(await error()).toMatchObject({ code: -32016, data: { taken } });
    scene.agent.answer(scene.agent.received('agent.chat.approve').at(-1), { resolved: true });
    await settle();
    expect(await error()).toMatchObject({ code: -32016, data: { resolution } });
    // Another of the same name has nothing to do with it.
    const other = { session_id: 's', approval_id: 'never', decision };
    expect((await scene.host.call('agents.chat.approve', other)).error).not.toHaveProperty('data');
    await scene.emit(pending('b'));
    await scene.emit(resolved('b'));
    expect(await error()).toEqual({ code: -32016, message: 'approval not pending' });
  },
);

test('agents.chat.approve › when another row claims to be of this turn and approval › then its resolution is not taken for it', async () => {
  const scene = await startResumable();
  const details = { source: 'chat', session_id: 's', turn_id: scene.turnId, approval_id: 'a' };
  const row = await scene.host.ok('host.request_approval', { action: 'x', details });
  const manager = await scene.linked.manager();
  await manager.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  expect((await approve(scene.host)).error).toEqual({ code: -32016, message: 'approval not pending' });
});

test('a detached turn › when a person settles its approval after longer than its agent may be silent › then that time begins only then', async () => {
  const scene = await startResumable({ limits: { staleAfterMs: 20_000 } });
  await scene.emit({ kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await scene.leave();
  await scene.linked.advance(35_000);
  const manager = await scene.linked.manager();
  const [row] = await approvalsOf(manager);
  manager.post('host.resolve_approval', { approval_id: row?.id, resolution: 'approve' });
  await settle();
  scene.agent.answer(scene.agent.received('agent.chat.approve')[0], { resolved: true });
  await scene.linked.advance(19_999);
  expect(await scene.status()).toBe('detached');
  await scene.linked.advance(4_001);
  expect(scene.reasons()).toEqual(['stale']);
});
