import { expect, test } from 'vitest';
import { turnsOf } from '../../../actors/turns/client-turns.ts';
import { StubbornLink, startInternals } from '../../support/internals.ts';
import { type LinkedClient, openChat, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { heard, refusal, startResumable } from '../../support/resume-scene.ts';

/* Who only watches a turn (wire.md section 8). */

const OBSERVER = { role: 'observer' };

test('an observer › when it comes in the middle › then it hears all from where it asked, and the host goes on as before', async () => {
  const scene = await startResumable();
  await scene.say('a', 'b');
  const { client, result } = await scene.resume({ ...OBSERVER, after: 1 });
  expect(result).toMatchObject({ status: 'streaming', head: 2, recovered: true });
  await scene.say('c');
  await scene.emit({ kind: 'mood' });
  await scene.emit({ kind: 'done', finish_reason: 'stop' });
  expect(heard(scene.host)).toEqual(['1 token a', '2 token b', '3 token c', '4 mood', '5 done stop']);
  expect(heard(client)).toEqual(['2 token b', '3 token c', '4 mood', '5 done stop']);
  expect(await readMetric(scene.broker, 'resumes_total')).toEqual({ observer: 1 });
});

test('an observer › when it tries to act › then it may not: cancel, approve and tools are the host’s', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume(OBSERVER);
  await scene.emit({ kind: 'approval_pending', approval_id: 'a', tool: 'rm', params: { path: '/' } });
  expect((await client.call('agents.chat.cancel', { session_id: 's' })).error.code).toBe(-32015);
  const approve = { session_id: 's', approval_id: 'a', decision: true };
  expect((await client.call('agents.chat.approve', approve)).error.code).toBe(-32015);
  const [row] = (await client.ok('host.approvals')).approvals;
  expect(row.details).not.toHaveProperty('params');
  expect((await client.call('host.resolve_approval', { approval_id: row.id, resolution: 'approve' })).error.code).toBe(
    -32015,
  );
  await client.ok('tools.register', [{ name: 'lamp' }]);
  const id = scene.agent.post('tools.execute', { session_id: 's', tool: 'lamp', parameters: {} });
  await settle();
  expect(scene.agent.replyTo(id).error.code).toBe(-32019);
  expect((await client.ok('agents.chat.sessions')).sessions).toEqual([]);
});

test('an observer › when the host goes › then it hears the turn go on, and its end when nobody comes back', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume(OBSERVER);
  await scene.leave();
  await scene.say('a');
  expect(await scene.status()).toBe('detached');
  await scene.linked.advance(60_020);
  expect(heard(client)).toEqual(['1 token a', '2 done cancelled']);
  expect(client.events('s').at(-1)).toMatchObject({ synthesized: true });
});

test('an observer › when it comes while there is no host › then the turn stays detached', async () => {
  const scene = await startResumable();
  await scene.leave();
  const { client, result } = await scene.resume(OBSERVER);
  expect(result.status).toBe('detached');
  await scene.say('a');
  expect(heard(client)).toEqual(['1 token a']);
  await scene.linked.advance(60_020);
  expect(await scene.status()).toBeUndefined();
});

test('an observer › when it becomes the host › then it hears each event once', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume(OBSERVER);
  await scene.leave();
  await scene.say('a');
  await client.ok('agents.chat.subscribe', { ...scene.claim(), after: 1 });
  await scene.say('b');
  expect(heard(client)).toEqual(['1 token a', '2 token b']);
  expect(await scene.status()).toBe('streaming');
});

test('an observer › when it goes › then nothing else happens', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume(OBSERVER);
  await scene.leave(client);
  await scene.say('a');
  expect(heard(scene.host)).toEqual(['1 token a']);
  expect(await scene.status()).toBe('streaming');
});

test('observers › when there are as many as there may be › then the next gets -32020, until one has gone', async () => {
  const scene = await startResumable({ limits: { maxObservers: 2 } });
  const first = await scene.resume(OBSERVER);
  await scene.resume(OBSERVER);
  const third = await scene.linked.host();
  const claim = { ...scene.claim(), ...OBSERVER };
  const { error } = await third.call('agents.chat.subscribe', claim);
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_observers', value: 2 } } });
  // Who watches already may ask again.
  expect(await refusal(first.client, claim)).toBeUndefined();
  await scene.leave(first.client);
  expect(await refusal(third, claim)).toBeUndefined();
});

test('a turn that may be resumed › when its host cannot keep up › then it is detached, and its agent told nothing', async () => {
  const internals = startInternals();
  const link = new StubbornLink();
  internals.open(link);
  link.deliver({ id: 1, method: 'session.auth', params: { token: internals.tokens.daemon } });
  const agent = await internals.agent('echo');
  for (const [session_id, resume_window_ms] of [
    ['s', 60_000],
    ['plain', 0],
  ]) {
    const params = { agent_id: 'echo', prompt: 'hi', session_id, resume_window_ms };
    link.deliver({ id: session_id, method: 'agents.chat', params });
    await settle();
    agent.answer(agent.lastChat(), { accepted: true });
    await settle();
  }
  link.handlers?.overrun?.();
  await settle();
  expect(link.closeCode).toBe(4413);
  const cancels = agent.received('agent.chat.cancel').map(({ params }) => [params.session_id, params.reason]);
  expect(cancels).toEqual([['plain', 'slow_consumer']]);
  const manager = await internals.manager();
  expect((await manager.ok('agents.chat.sessions')).sessions).toMatchObject([{ session_id: 's', status: 'detached' }]);
});

test('a turn that might be resumed › when its host cannot keep up and no more turns may wait › then observers and log hear slow_consumer', async () => {
  const internals = startInternals({ limits: { maxDetachedTurns: 0 } });
  const link = new StubbornLink();
  internals.open(link);
  link.deliver({ id: 1, method: 'session.auth', params: { token: internals.tokens.daemon } });
  const agent = await internals.agent('echo');
  const params = { agent_id: 'echo', prompt: 'hi', session_id: 's', resume_window_ms: 60_000 };
  link.deliver({ id: 2, method: 'agents.chat', params });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  const manager = await internals.manager();
  await manager.ok('agents.chat.subscribe', { session_id: 's', ...OBSERVER });
  link.handlers?.overrun?.();
  await settle();
  expect(heard(manager)).toEqual(['1 error slow_consumer']);
  const later = await internals.manager();
  await later.ok('agents.chat.subscribe', { session_id: 's' });
  expect(heard(later)).toEqual(['1 error slow_consumer']);
});

test('observers › when the turn’s actor breaks › then they hear its terminal too, and nothing of it is left', async () => {
  const internals = startInternals();
  const host = await internals.host();
  const agent = await internals.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 });
  const manager = await internals.manager();
  await manager.ok('agents.chat.subscribe', { session_id: 's', ...OBSERVER });
  Object.defineProperty(internals.turn('s'), 'pendingApprovals', {
    get() {
      throw new Error('poisoned');
    },
  });
  agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await settle();
  expect([heard(host), heard(manager)]).toEqual([['1 error internal'], ['1 error internal']]);
  expect([...internals.state.clients.values()].map((client) => turnsOf(client).observing.size)).toEqual([0, 0, 0]);
});

test('agents.chat.unsubscribe › when an observer leaves › then it hears nothing more, and its place is free', async () => {
  const scene = await startResumable({ limits: { maxObservers: 1 } });
  const { client } = await scene.resume(OBSERVER);
  await scene.say('a');
  const left = await client.ok('agents.chat.unsubscribe', { session_id: 's' });
  expect(left).toEqual({ session_id: 's', unsubscribed: true });
  await scene.say('b');
  expect([heard(scene.host), heard(client)]).toEqual([['1 token a', '2 token b'], ['1 token a']]);
  expect(await refusal(await scene.linked.host(), { ...scene.claim(), ...OBSERVER })).toBeUndefined();
  // And again: it may come back when there is room, as anybody may.
  expect(await refusal(client, { ...scene.claim(), ...OBSERVER })).toBe(-32020);
});

test('agents.chat.unsubscribe › when somebody does not watch › then it is no error, and changes nothing', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume(OBSERVER);
  const leave = async (by: LinkedClient, params: object = { session_id: 's' }) =>
    (await by.ok('agents.chat.unsubscribe', params)).unsubscribed;
  // The controller, a stranger, another turn, an unknown session.
  expect(await leave(scene.host)).toBe(false);
  expect(await leave(await scene.linked.host())).toBe(false);
  expect(await leave(client, { session_id: 's', turn_id: 'turn-of-yore' })).toBe(false);
  expect(await leave(client, { session_id: 'nope' })).toBe(false);
  await scene.say('a');
  expect([heard(scene.host), heard(client)]).toEqual([['1 token a'], ['1 token a']]);
  expect(await leave(client, { session_id: 's', turn_id: scene.turnId })).toBe(true);
  expect(await leave(client)).toBe(false);
  await scene.emit({ kind: 'done', finish_reason: 'stop' });
  expect(await leave(client)).toBe(false);
  expect(heard(client)).toEqual(['1 token a']);
});
