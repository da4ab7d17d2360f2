import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';

const MINUTE = 60_000;
const pending = (approval_id: string) => ({ kind: 'approval_pending', approval_id, tool: 'rm', params: { path: '/' } });
const resolved = (approval_id: string) => ({ kind: 'approval_resolved', approval_id, resolution: 'deny' });

/** A streaming turn in session `s`. */
async function stream() {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const status = async () => (await host.ok('agents.chat.sessions')).sessions[0]?.status;
  return { linked, host, agent, turnId: turn_id as string, status };
}

test('agents.chat › when an approval is pending › then the turn is parked until the last one is resolved, and streams on meanwhile', async () => {
  const { host, agent, status } = await stream();
  const says = async (event: object) => {
    agent.emit('s', event);
    await settle();
    return status();
  };
  expect(await says(resolved('unknown'))).toBe('streaming');
  expect(await says(pending('a'))).toBe('parked');
  expect(await says(pending('a'))).toBe('parked');
  expect(await says(pending('b'))).toBe('parked');
  expect(await says({ kind: 'token', delta: 'x' })).toBe('parked');
  expect(await says(resolved('unknown'))).toBe('parked');
  expect(await says(resolved('a'))).toBe('parked');
  expect(await says(resolved('a'))).toBe('parked');
  expect(await says(resolved('b'))).toBe('streaming');
  expect(await says({ kind: 'done', finish_reason: 'stop' })).toBeUndefined();
  expect(host.events().map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test.each([
  ['done', { kind: 'done', finish_reason: 'stop' }],
  ['error', { kind: 'error', error: 'oh' }],
  ['auth_required', { kind: 'auth_required', reason: 'r', message: 'm' }],
])('agents.chat › when a parked turn gets a terminal %s › then it ends', async (kind, terminal) => {
  const { host, agent, status } = await stream();
  agent.emit('s', pending('a'));
  agent.emit('s', terminal);
  await settle();
  expect(await status()).toBeUndefined();
  expect(host.events().map((event) => event.kind)).toEqual(['approval_pending', kind]);
});

test('agents.chat › when the agent is silent for fifteen minutes › then within five seconds more the turn is stale on both sides, and no sooner', async () => {
  const { linked, host, agent, turnId } = await stream();
  await linked.advance(15 * MINUTE - 1);
  expect(host.events()).toEqual([]);
  await linked.advance(5_000);
  expect(host.events()).toEqual([
    {
      session_id: 's',
      turn_id: turnId,
      agent_id: 'echo',
      seq: 1,
      kind: 'error',
      error: expect.any(String),
      code: 'stale',
      synthesized: true,
    },
  ]);
  expect(agent.received('agent.chat.cancel').map((frame) => frame.params)).toEqual([
    { session_id: 's', turn_id: turnId, reason: 'stale' },
  ]);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await linked.advance(30 * MINUTE);
  expect(host.events()).toHaveLength(1);
  expect(agent.received('agent.chat.cancel')).toHaveLength(1);
});

test('agents.chat › when the agent took its time to accept › then its fifteen minutes begin with that', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await linked.advance(4_900);
  agent.answer(agent.lastChat(), { accepted: true });
  await linked.advance(15 * MINUTE - 1);
  expect(host.events()).toEqual([]);
  await linked.advance(5_000);
  expect(host.events()).toMatchObject([{ code: 'stale' }]);
});

test('agents.chat › when the agent says anything within its fifteen minutes › then they begin anew', async () => {
  const { linked, host, agent } = await stream();
  for (let n = 1; n <= 4; n += 1) {
    await linked.advance(14 * MINUTE);
    agent.emit('s', { kind: 'mood' });
    await settle();
    expect(host.events()).toHaveLength(n);
  }
  await linked.advance(16 * MINUTE);
  expect(host.events().at(-1)).toMatchObject({ kind: 'error', code: 'stale', seq: 5 });
});

test('agents.chat › when one turn is stale › then another with the same agent that is not goes on', async () => {
  const { linked, host, agent } = await stream();
  await openChat(host, agent, { agent_id: 'echo', session_id: 'other' });
  await linked.advance(10 * MINUTE);
  agent.emit('other', { kind: 'token', delta: 'a' });
  await linked.advance(6 * MINUTE);
  expect(host.events('s')).toMatchObject([{ code: 'stale' }]);
  expect(host.events('other')).toMatchObject([{ delta: 'a' }]);
});

test('agents.chat › when what the agent says is dropped › then it is silent all the same', async () => {
  const { linked, host, agent } = await stream();
  await linked.advance(14 * MINUTE);
  agent.emit('s', { kind: 'token' });
  agent.emit('s', { kind: 'token', delta: 'a', turn_id: 'other' });
  await linked.advance(2 * MINUTE);
  expect(host.events()).toMatchObject([{ code: 'stale' }]);
});

test('agents.chat › when it is parked › then no silence is too long, and its fifteen minutes begin when it is resumed', async () => {
  const { linked, host, agent, status } = await stream();
  agent.emit('s', pending('a'));
  await linked.advance(24 * 60 * MINUTE);
  expect(await status()).toBe('parked');
  agent.emit('s', resolved('a'));
  await linked.advance(14 * MINUTE);
  expect(await status()).toBe('streaming');
  expect(host.events()).toHaveLength(2);
  await linked.advance(2 * MINUTE);
  expect(host.events().at(-1)).toMatchObject({ code: 'stale', seq: 3 });
});

test.each(['before its ack', 'after it'])(
  'agents.chat › when a turn asks for more approvals than it may have pending, %s › then the rest are dropped and counted, and it streams on when those are resolved',
  async (when) => {
    const linked = startLinked({ limits: { maxPendingApprovals: 2 } });
    const host = await linked.host();
    const agent = await linked.agent('echo');
    host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await settle();
    const ask = () => {
      for (const id of ['a', 'b', 'c', 'd']) agent.emit('s', pending(id));
    };
    if (when === 'before its ack') ask();
    agent.answer(agent.lastChat(), { accepted: true });
    if (when === 'after it') ask();
    await settle();
    expect(host.events('s').map((event) => event.approval_id)).toEqual(['a', 'b']);
    expect((await host.ok('host.approvals')).approvals).toHaveLength(2);
    expect(await readDrops(linked.broker)).toEqual({ too_many_approvals: 2 });
    for (const id of ['a', 'b']) agent.emit('s', resolved(id));
    await settle();
    expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ status: 'streaming', seq: 4 }]);
  },
);
