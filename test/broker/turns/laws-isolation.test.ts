import { expect, test } from 'vitest';
import { APPROVALS } from '../../../actors/approvals/approvals.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
import type { Logger } from '../../../broker.ts';
import { type Internals, kinds, poison, StubbornLink, startInternals } from '../../support/internals.ts';
import { type LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';

/* Laws 10, 11 and 12 of the design: what breaks, breaks alone. */

const DONE = { kind: 'done', finish_reason: 'stop' };

/** Two turns of two hosts with one agent: `bad` is about to break, `good` must not notice. */
async function two() {
  const internals = startInternals();
  const host = await internals.host();
  const other = await internals.host();
  const agent = await internals.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 'bad' });
  await openChat(other, agent, { agent_id: 'echo', session_id: 'good' });
  return { internals, host, other, agent };
}

async function expectAlive(internals: Internals, other: LinkedClient, agent: LinkedClient) {
  agent.emit('good', { kind: 'token', delta: 'still here' });
  await settle();
  expect(other.events('good').at(-1)).toMatchObject({ delta: 'still here' });
  expect(internals.root.getSnapshot()).toMatchObject({ status: 'active', value: 'accepting' });
  expect(await openChat(other, agent, { agent_id: 'echo', session_id: 'new' })).toMatchObject({ accepted: true });
}

const cancels = (agent: LinkedClient) => agent.received('agent.chat.cancel').map(({ params }) => params.session_id);

test('law 10 › when a streaming turn breaks › then its host gets one error, its agent a cancel, and no other turn notices', async () => {
  const { internals, host, other, agent } = await two();
  agent.emit('bad', { kind: 'token', delta: 'a' });
  await settle();
  poison(internals.turn('bad'), 'lastFrameAt');
  agent.emit('bad', { kind: 'token', delta: 'b' });
  agent.emit('bad', { kind: 'token', delta: 'c' });
  await settle();
  expect(kinds(host, 'bad')).toEqual(['token', 'error internal']);
  expect(host.events('bad').at(-1)).toMatchObject({ synthesized: true, error: 'internal error', seq: 2 });
  expect(cancels(agent)).toEqual(['bad']);
  expect(internals.state.counters.endings).toEqual(new Map([['failed', 1]]));
  await expectAlive(internals, other, agent);
  expect(await openChat(host, agent, { agent_id: 'echo', session_id: 'bad' })).toMatchObject({ accepted: true });
});

test('law 10 › when a turn breaks at its terminal › then its host still gets exactly one', async () => {
  const { internals, host, other, agent } = await two();
  poison(internals.turn('bad'), 'lastFrameAt');
  agent.emit('bad', DONE);
  await settle();
  expect(kinds(host, 'bad')).toEqual(['error internal']);
  await expectAlive(internals, other, agent);
});

test('law 10 › when a parked turn breaks › then it ends alone', async () => {
  const { internals, host, other, agent } = await two();
  poison(internals.turn('bad').pendingApprovals, 'set');
  agent.emit('bad', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await settle();
  expect(kinds(host, 'bad')).toEqual(['approval_pending', 'error internal']);
  // Nothing of it is left to be answered.
  expect(internals.state.get(APPROVALS).pendingCount).toBe(0);
  expect(cancels(agent)).toEqual(['bad']);
  await expectAlive(internals, other, agent);
});

test('law 10 › when a turn breaks before its ack › then the chat gets -32603 without a word of why, and nothing is left', async () => {
  const { internals, host, other, agent } = await two();
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'unacked' });
  await settle();
  poison(internals.turn('unacked'), 'held');
  agent.emit('unacked', { kind: 'token', delta: 'a' });
  await settle();
  expect(host.replyTo(id).error).toEqual({ code: -32603, message: 'internal error' });
  expect(cancels(agent)).toEqual(['unacked']);
  agent.answer(agent.lastChat(), { accepted: true });
  await internals.advance(6_000);
  expect(host.events('unacked')).toEqual([]);
  await expectAlive(internals, other, agent);
});

test('law 10 › when a turn cannot even start › then the chat gets -32603, and the next one can', async () => {
  const { internals, host, other, agent } = await two();
  const client = internals.attached('echo');
  poison(client.calls, 'set');
  const { error } = await host.call('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'unborn' });
  expect(error.code).toBe(-32603);
  Reflect.deleteProperty(client.calls, 'set');
  await expectAlive(internals, other, agent);
});

test('law 10 › when a broken turn had chats behind it › then the next one starts', async () => {
  const { internals, host, agent } = await two();
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'x', session_id: 'bad', on_busy: 'queue' });
  await settle();
  poison(internals.turn('bad'), 'lastFrameAt');
  agent.emit('bad', DONE);
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
});

test('law 11 › when a turn is so broken that it cannot even be ended in order › then it is forgotten, and the root lives', async () => {
  const { internals, other, agent } = await two();
  poison(internals.turn('bad'), 'seq');
  agent.emit('bad', { kind: 'token', delta: 'a' });
  await settle();
  expect([...internals.state.get(TURNS).byId.values()].map((turn) => turn.sessionId)).toEqual(['good']);
  expect(cancels(agent)).toEqual(['bad']);
  await expectAlive(internals, other, agent);
});

test('law 10 › when a host’s connection breaks › then it alone is cut, and its turns end as those of a host that left', async () => {
  const { internals, host, other, agent } = await two();
  poison(internals.hostOf('bad').link, 'send');
  agent.emit('bad', { kind: 'token', delta: 'a' });
  await settle();
  expect(host.closed).toBe(1006);
  expect(agent.received('agent.chat.cancel').map(({ params }) => [params.session_id, params.reason])).toEqual([
    ['bad', 'host_disconnected'],
  ]);
  expect(internals.state.clients.size).toBe(2);
  await expectAlive(internals, other, agent);
});

test('law 10 › when an agent’s connection breaks › then its turns end as those of an agent that left, and others stream on', async () => {
  const { internals, host, other, agent } = await two();
  const frail = await internals.agent('frail');
  await openChat(host, frail, { agent_id: 'frail', session_id: 'frail' });
  poison(internals.attached('frail').link, 'send');
  const id = host.post('agents.chat', { agent_id: 'frail', prompt: 'hi', session_id: 'asked' });
  await settle();
  expect(host.replyTo(id).error).toMatchObject({ code: -32011 });
  expect(kinds(host, 'frail')).toEqual(['error agent_disconnected']);
  expect(internals.state.attached.has('frail')).toBe(false);
  await expectAlive(internals, other, agent);
});

test('law 10 › when a connection breaks before it is authenticated › then it alone is cut', async () => {
  const { internals, other, agent } = await two();
  const link = new StubbornLink();
  poison(link as StubbornLink, 'send');
  internals.open(link);
  link.deliver({ id: 1, method: 'agents.list' });
  expect(link.isCut).toBe(true);
  await expectAlive(internals, other, agent);
});

const shout = () => {
  throw new Error('the disk is full');
};
const brokenLog: Logger = { debug: shout, info: shout, warn: shout, error: shout };

test('law 11 › when the log throws › then everything goes on as if it did not', async () => {
  const linked = startLinked({ log: brokenLog });
  linked.broker.method('boom', { schema: (await import('zod')).z.looseObject({}), handler: shout });
  const nobody = linked.connect();
  expect((await nobody.call('session.auth', { token: 'wrong' })).error.code).toBe(-32603);
  const host = await linked.host();
  const agent = await linked.agent('echo');
  expect((await host.call('boom')).error.code).toBe(-32603);
  host.notify('agents.chat', { agent_id: 'nobody', prompt: 'hi' });
  host.notify('no.such.thing');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit('s', { kind: 'token' });
  agent.emit('nope', { kind: 'token', delta: 'a' });
  agent.emit('s', { kind: 'token', delta: 'a' });
  agent.emit('s', DONE);
  await settle();
  expect(kinds(host, 's')).toEqual(['token', 'done']);
  expect(await readMetric(linked.broker, 'turns_ended_total')).toEqual({ done: 1 });
  host.close();
  await settle();
  await linked.broker.close();
  expect(agent.closed).toBe(1001);
});

test('law 11 › when agents cannot be kept › then agents.upsert gets -32603, nothing has changed, and the broker lives', async () => {
  let isFull = false;
  const agentStore = { load: () => [], save: () => (isFull ? shout() : undefined) };
  const linked = startLinked({ agentStore });
  const manager = await linked.manager();
  await manager.ok('agents.upsert', { id: 'kept' });
  isFull = true;
  expect((await manager.call('agents.upsert', { id: 'lost' })).error.code).toBe(-32603);
  expect((await manager.call('agents.upsert', { id: 'kept', name: 'x' })).error.code).toBe(-32603);
  expect((await manager.call('agents.remove', { id: 'kept' })).error.code).toBe(-32603);
  expect(await manager.ok('agents.list')).toMatchObject([{ spec: { id: 'kept', name: 'kept' } }]);
});

test('law 12 › when turns end in every way › then each actor has reached a final state of its chart, and none was just stopped', async () => {
  const internals = startInternals();
  const actors = new Set<{ id: string; getSnapshot(): { status: string; value: unknown } }>();
  internals.inspect((event) => {
    if (event.type === '@xstate.actor') actors.add(event.actorRef as never);
  });
  const host = await internals.host();
  const leaving = await internals.host();
  const agent = await internals.agent('echo');
  const names = ['done', 'error', 'cancel', 'grace', 'drain'];
  for (const session_id of names) await openChat(host, agent, { agent_id: 'echo', session_id });
  await openChat(leaving, agent, { agent_id: 'echo', session_id: 'leave' });
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'unacked' });
  leaving.close();
  agent.emit('done', DONE);
  agent.emit('error', { kind: 'error', error: 'oh' });
  host.post('agents.chat.cancel', { session_id: 'cancel' });
  host.post('agents.chat.cancel', { session_id: 'grace', grace_ms: 1_000 });
  await internals.advance(5_020);
  internals.root.send({ type: 'broker.drain' });
  await internals.advance(10_000);
  const ends = [...actors].map((actor) => [
    actor.id.split('-')[0],
    actor.getSnapshot().status,
    actor.getSnapshot().value,
  ]);
  expect(ends.filter(([what]) => what === 'turn').map(([, status, value]) => `${status} ${value}`)).toEqual([
    ...[
      'done done',
      'done failed',
      'done cancelled',
      'done cancelled',
      'done failed',
      'done abandoned',
      'done refused',
    ],
  ]);
  expect(ends.filter(([what]) => what === 'client')).toEqual(Array(3).fill(['client', 'done', 'closed']));
  expect(internals.root.getSnapshot()).toMatchObject({ status: 'done', value: 'stopped' });
});
