import { expect, test } from 'vitest';
import type { AgentRecord } from '../../../broker.ts';
import { type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';

/* A chat waits for an agent that detached a moment ago (wire.md section 6, `--agent-wait`). */

const ask = (client: LinkedClient, more: object = {}): number =>
  client.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's', ...more });
const answer = async (client: LinkedClient, id: number): Promise<Message> => {
  await settle();
  return client.replyTo(id);
};

/** A host, and an agent that has just gone. */
async function gone(options: Parameters<typeof startLinked>[0] = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  const old = await linked.agent('echo');
  old.close();
  await settle();
  return { linked, host, back: () => linked.agent('echo') };
}

test('agents.chat › when its agent went a moment ago and is back in time › then it starts, after the agent’s own answer', async () => {
  const { linked, host, back } = await gone();
  await linked.advance(1_900);
  const id = ask(host);
  await linked.advance(1_900);
  expect(host.replyTo(id)).toBeUndefined();
  const agent = await back();
  expect(agent.frames.map(({ method, result }) => method ?? result)).toEqual([
    expect.objectContaining({ ok: true }),
    'agent.chat',
  ]);
  agent.answer(agent.lastChat(), { accepted: true });
  expect((await answer(host, id)).result).toMatchObject({ accepted: true, session_id: 's' });
});

test('agents.chat › when its agent does not come back › then -32011 once the time is over, and no sooner', async () => {
  const { linked, host } = await gone();
  const id = ask(host);
  await linked.advance(1_999);
  expect(host.replyTo(id)).toBeUndefined();
  await linked.advance(21);
  expect(host.replyTo(id).error).toMatchObject({ code: -32011, data: { agent_id: 'echo' } });
});

test.each([
  ['went longer ago', async (scene: Awaited<ReturnType<typeof gone>>) => scene.linked.advance(2_000)],
  [
    'was removed',
    async ({ linked, back }: Awaited<ReturnType<typeof gone>>) => {
      await back();
      await (await linked.manager()).ok('agents.remove', { id: 'echo' });
    },
  ],
])('agents.chat › when its agent %s › then -32011 at once', async (_how, before) => {
  const scene = await gone();
  await before(scene);
  expect((await answer(scene.host, ask(scene.host))).error.code).toBe(-32011);
});

test('agents.chat › when the wait is switched off, or the agent was never there › then -32011 at once', async () => {
  const off = await gone({ limits: { agentWaitMs: 0 } });
  expect((await answer(off.host, ask(off.host))).error.code).toBe(-32011);
  const on = await gone();
  on.linked.broker.upsertAgent({ id: 'new' });
  expect((await answer(on.host, ask(on.host, { agent_id: 'new' }))).error.code).toBe(-32011);
});

test('agents.chat › when the broker has just started › then its known agents are waited for, too', async () => {
  const record: AgentRecord = { id: 'echo', token_hash: '0'.repeat(64), name: 'echo', capabilities: [], metadata: {} };
  const linked = startLinked({ agentStore: { load: () => [record], save: () => {} } });
  const host = await linked.host();
  const id = ask(host);
  await settle();
  expect(host.replyTo(id)).toBeUndefined();
  const agent = await linked.agent('echo');
  expect(agent.received('agent.chat')).toHaveLength(1);
});

test('agents.chat › when several wait › then they start in the order in which they came', async () => {
  const { host, back } = await gone();
  for (const session_id of ['c', 'a', 'b']) ask(host, { session_id });
  const agent = await back();
  expect(agent.received('agent.chat').map(({ params }) => params.session_id)).toEqual(['c', 'a', 'b']);
});

test('agents.chat › when its agent is removed while it waits › then -32011 at once', async () => {
  const { linked, host } = await gone();
  const id = ask(host);
  await (await linked.manager()).ok('agents.remove', { id: 'echo' });
  expect((await answer(host, id)).error.code).toBe(-32011);
});

test('agents.chat › when its host goes while it waits › then the agent never hears of it', async () => {
  const { host, back } = await gone();
  ask(host);
  await settle();
  host.close();
  await settle();
  expect((await back()).received('agent.chat')).toEqual([]);
});

test('agents.chat › when the broker drains while it waits › then -32021', async () => {
  const { linked, host } = await gone();
  const id = ask(host);
  await settle();
  void linked.broker.close();
  expect((await answer(host, id)).error.code).toBe(-32021);
});

test('agents.chat.cancel › when a chat waits for its agent › then it is accepted, cancelled and at its end, and the agent never hears of it', async () => {
  const { linked, host, back } = await gone();
  const id = ask(host);
  await settle();
  const stranger = await linked.host();
  expect((await stranger.call('agents.chat.cancel', { session_id: 's' })).error.code).toBe(-32015);
  const cancel = host.post('agents.chat.cancel', { session_id: 's' });
  await settle();
  const { turn_id } = host.replyTo(id).result;
  expect(host.frames.slice(-3)).toMatchObject([
    { id, result: { accepted: true, session_id: 's', turn_id: expect.any(String) } },
    { id: cancel, result: { cancelled: true, session_id: 's' } },
    { params: { turn_id, kind: 'done', finish_reason: 'cancelled', seq: 1, synthesized: true } },
  ]);
  expect((await back()).received('agent.chat')).toEqual([]);
  await linked.advance(5_000);
  expect(host.frames).toHaveLength(4);
});

test('agents.chat › when another comes for the session of one that waits › then on_busy says what becomes of it', async () => {
  const { linked, host, back } = await gone();
  const first = ask(host);
  expect((await answer(host, ask(host))).error.code).toBe(-32010);
  const other = await linked.host();
  expect((await answer(other, ask(other, { on_busy: 'queue' }))).error.code).toBe(-32015);
  const queued = ask(host, { on_busy: 'queue', prompt: 'second' });
  const agent = await back();
  agent.answer(agent.lastChat(), { accepted: true });
  expect((await answer(host, first)).result.accepted).toBe(true);
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(agent.received('agent.chat').map(({ params }) => params.prompt)).toEqual(['hi', 'second']);
  agent.answer(agent.lastChat(), { accepted: true });
  expect((await answer(host, queued)).result.accepted).toBe(true);
});

test('agents.chat › when one replaces a chat that waits for another agent › then that one is refused, and it starts', async () => {
  const { linked, host } = await gone();
  const there = await linked.agent('there');
  const first = ask(host);
  ask(host, { agent_id: 'there', on_busy: 'replace' });
  expect((await answer(host, first)).error.code).toBe(-32011);
  expect(there.received('agent.chat')).toHaveLength(1);
});

test('agents.chat › when it would replace a live turn, and its agent is away › then the live turn goes on', async () => {
  const { linked, host } = await gone();
  const there = await linked.agent('there');
  ask(host, { agent_id: 'there' });
  await settle();
  there.answer(there.lastChat(), { accepted: true });
  await settle();
  expect((await answer(host, ask(host, { on_busy: 'replace' }))).error.code).toBe(-32011);
  expect(there.received('agent.chat.cancel')).toEqual([]);
});

test('agents.chat › when its agent goes under a turn, with others behind it › then they wait, and start in order when it is back', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const old = await linked.agent('echo');
  ask(host);
  await settle();
  old.answer(old.lastChat(), { accepted: true });
  await settle();
  const waiting = [ask(host, { on_busy: 'queue', prompt: 'b' }), ask(host, { on_busy: 'queue', prompt: 'c' })];
  await settle();
  old.close();
  await settle();
  expect(host.events('s').at(-1)).toMatchObject({ kind: 'error', code: 'agent_disconnected' });
  const agent = await linked.agent('echo');
  expect(agent.received('agent.chat').map(({ params }) => params.prompt)).toEqual(['b']);
  agent.answer(agent.lastChat(), { accepted: true });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(agent.received('agent.chat').map(({ params }) => params.prompt)).toEqual(['b', 'c']);
  expect(host.replyTo(waiting[0]).result.accepted).toBe(true);
});

test('agents.chat › when more wait than a connection may open, or than it may keep › then -32020', async () => {
  const few = await gone({ limits: { maxTurnsPerConnection: 1 } });
  ask(few.host, { session_id: 'a' });
  const { error } = await answer(few.host, ask(few.host, { session_id: 'b' }));
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_turns_per_connection' } } });
  const small = await gone({ limits: { maxHeldBytes: 1_000 } });
  const large = await answer(small.host, ask(small.host, { prompt: 'x'.repeat(2_000) }));
  expect(large.error).toMatchObject({ code: -32020, data: { limit: { name: 'max_held_bytes' } } });
});
