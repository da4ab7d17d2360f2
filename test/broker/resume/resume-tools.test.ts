import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { heard, startResumable } from '../../support/resume-scene.ts';
import { answersTo, approvalsOf, callsOf } from '../../support/tool-scene.ts';

/* Tools are the host's that there is: without one there are none (wire.md sections 7 and 8). */

const MINUTE = 60_000;

test('a tool call › when the host goes › then it ends with -32018, and the next one with -32019 at once', async () => {
  const scene = await startResumable();
  const { execute, asked } = callsOf(scene.host, scene.agent);
  const first = await execute();
  const request = asked();
  await scene.leave();
  expect(scene.agent.replyTo(first).error).toMatchObject({ code: -32018, data: { reason: 'host_disconnected' } });
  const second = await execute();
  expect(scene.agent.replyTo(second).error.code).toBe(-32019);
  // Nothing that is still said of it changes that.
  scene.host.answer(request, 'late');
  await settle();
  expect([answersTo(scene.agent, first), answersTo(scene.agent, second)].map(({ length }) => length)).toEqual([1, 1]);
  expect(await scene.status()).toBe('detached');
});

test('a tool call › when a new host takes over › then it ends as host_replaced at both, and the next goes to the new one', async () => {
  const scene = await startResumable();
  const old = callsOf(scene.host, scene.agent);
  const first = await old.execute({ action_id: 'x' });
  const client = await scene.linked.host();
  await client.ok('tools.register', [{ name: 'lamp' }]);
  await client.ok('agents.chat.subscribe', scene.claim());
  expect(scene.agent.replyTo(first).error).toMatchObject({ code: -32018, data: { reason: 'host_replaced' } });
  expect(old.cancels()).toEqual([{ request_id: old.asked().id, action_id: 'x', reason: 'host_replaced' }]);
  const unknown = await old.execute({ tool: 'clock' });
  expect(scene.agent.replyTo(unknown).error.code).toBe(-32019);
  const second = await old.execute({ tool: 'lamp' });
  expect(scene.host.received('tools.execute')).toHaveLength(1);
  client.answer(client.received('tools.execute').at(-1), 'on');
  await settle();
  expect(scene.agent.replyTo(second).result).toBe('on');
  // The old host's answer is to nobody.
  scene.host.answer(old.asked(), 'late');
  await settle();
  expect(answersTo(scene.agent, first)).toHaveLength(1);
});

test('a tool call › when the host subscribes again on the same connection › then it goes on', async () => {
  const scene = await startResumable();
  const { execute, asked, cancels } = callsOf(scene.host, scene.agent);
  const id = await execute();
  await scene.host.ok('agents.chat.subscribe', { session_id: 's' });
  scene.host.answer(asked(), 'noon');
  await settle();
  expect(scene.agent.replyTo(id).result).toBe('noon');
  expect(cancels()).toEqual([]);
});

test.each([
  ['goes', 'host_disconnected'],
  ['is replaced', 'host_replaced'],
])(
  'a tool call at the gate › when the host %s › then it ends as %s, and its row is withdrawn',
  async (what, reason) => {
    const scene = await startResumable({ approvals: { methods: ['tools.execute:clock'] } });
    const { execute } = callsOf(scene.host, scene.agent);
    const id = await execute();
    if (what === 'goes') await scene.leave();
    const { client } = await scene.resume();
    expect(scene.agent.replyTo(id).error).toMatchObject({ code: -32018, data: { reason } });
    expect(await approvalsOf(client)).toMatchObject([{ status: 'withdrawn' }]);
    expect(scene.host.received('tools.execute')).toEqual([]);
  },
);

test('a tool call › when the turn is in its grace and has no host › then -32019', async () => {
  const scene = await startResumable();
  await scene.host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  await scene.leave();
  const { execute } = callsOf(scene.host, scene.agent);
  expect(scene.agent.replyTo(await execute()).error.code).toBe(-32019);
});

test('a turn › when its host goes after a tool call of hours › then the fifteen minutes of its agent begin only then', async () => {
  const scene = await startResumable(
    { limits: { resumeWindowMs: 24 * 60 * MINUTE } },
    { resume_window_ms: 60 * MINUTE },
  );
  await callsOf(scene.host, scene.agent).execute({ timeout_ms: 24 * 60 * MINUTE });
  await scene.linked.advance(3 * 60 * MINUTE);
  await scene.leave();
  await scene.linked.advance(15 * MINUTE - 1);
  expect(await scene.status()).toBe('detached');
  await scene.linked.advance(5_001);
  expect(scene.reasons()).toEqual(['stale']);
});

test('a turn › when another host takes it over after a tool call of hours › then the fifteen minutes of its agent begin only then', async () => {
  const scene = await startResumable();
  await callsOf(scene.host, scene.agent).execute({ timeout_ms: 24 * 60 * MINUTE });
  await scene.linked.advance(3 * 60 * MINUTE);
  const { client } = await scene.resume();
  await scene.linked.advance(15 * MINUTE - 1);
  expect(heard(client)).toEqual([]);
  await scene.linked.advance(5_001);
  expect(heard(client)).toEqual(['1 error stale']);
});
