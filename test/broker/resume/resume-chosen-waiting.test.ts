import { expect, test } from 'vitest';
import { type Message, openChat, settle } from '../../support/linked.ts';
import { heard } from '../../support/resume-scene.ts';
import { CHAT, leave, open, start, TOKEN } from './chosen-scene.ts';

/* The same, where the chat waits, has no host, or somebody else has it. */

test('agents.chat › again while it waits for its session › then there is one in the queue, and both hear of it', async () => {
  const { first, second, agent, asked, accept, end } = await start();
  await openChat(first, agent, { ...CHAT, resume_token: undefined });
  const queued = { on_busy: 'queue' };
  const [one, two] = [await open(first, queued), await open(second, queued)];
  await leave(first);
  await settle();
  // Its own turn waits for its window; the queued chat is the other connection's now.
  await end();
  expect(asked()).toBe(2);
  await accept();
  expect(first.replyTo(one)).toBeUndefined();
  expect(second.replyTo(two).result).toMatchObject({ accepted: true, resumed: true, status: 'streaming', head: 0 });
});

test('agents.chat › again while it waits for its agent › then it starts once', async () => {
  const { linked, first, second, agent } = await start();
  await leave(agent);
  const [one, two] = [await open(first), await open(second)];
  const back = await linked.agent('echo');
  expect(back.received('agent.chat')).toHaveLength(1);
  back.answer(back.lastChat(), { accepted: true });
  await settle();
  expect(first.replyTo(one).result.turn_id).toBe(second.replyTo(two).result.turn_id);
});

test('agents.chat › again and again before the ack › then so many are answered, and the next gets -32020', async () => {
  const { first, asked, accept } = await start({ limits: { maxQueuedPerSession: 3 } });
  const ids = [await open(first), await open(first), await open(first)];
  const { error } = await first.call('agents.chat', CHAT);
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_queued_per_session', value: 3 } } });
  await accept();
  for (const id of ids) expect(first.replyTo(id).result.accepted).toBe(true);
  expect(asked()).toBe(1);
});

test('agents.chat › when its host goes before the ack and too many turns wait for theirs › then it ends as without a token', async () => {
  const { first, agent, row } = await start({ limits: { maxDetachedTurns: 0 } });
  await open(first);
  await leave(first);
  expect(await row()).toBeUndefined();
  expect(agent.received('agent.chat.cancel')[0].params.reason).toBe('host_disconnected');
});

test('agents.chat › when it is cancelled with grace while it has no host › then the grace is the agent’s, and the log has the end', async () => {
  const { linked, first, second, agent, accept } = await start();
  await open(first);
  await leave(first);
  const manager = await linked.manager();
  await manager.ok('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 });
  await accept();
  await linked.advance(1_020);
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({ resumed: true, status: 'cancelled' });
  expect(heard(second)).toEqual(['1 done cancelled']);
  expect(agent.received('agent.chat.cancel')).toHaveLength(1);
});

test('agents.chat › with a token where no turn may wait › then it is a plain chat', async () => {
  const { first, agent } = await start({ limits: { resumeWindowMs: 0 } });
  expect(await openChat(first, agent, CHAT)).not.toHaveProperty('resume_token');
});

test('agents.chat › again over its tool call › then the call ends with the host that had it', async () => {
  const { first, second, agent } = await start();
  await first.ok('tools.register', [{ name: 'clock' }]);
  await second.ok('tools.register', [{ name: 'clock' }]);
  await openChat(first, agent, CHAT);
  const one = agent.post('tools.execute', { session_id: 's', tool: 'clock' });
  await settle();
  await open(second);
  expect(agent.replyTo(one).error).toMatchObject({ code: -32018, data: { reason: 'host_replaced' } });
  agent.post('tools.execute', { session_id: 's', tool: 'clock' });
  await settle();
  expect(second.received('tools.execute')).toHaveLength(1);
});

test('agents.chat › again after somebody else took the turn over › then it is this host’s, and nobody’s claim stands against it', async () => {
  const { linked, first, second, agent } = await start();
  await openChat(first, agent, CHAT);
  const other = await linked.host();
  await other.ok('agents.chat.subscribe', { session_id: 's', resume_token: TOKEN, claim: 'other' });
  const again = await open(second);
  expect(second.replyTo(again).result.resumed).toBe(true);
  const next = await linked.host();
  const claim = { session_id: 's', resume_token: TOKEN, claim: 'mine', unless_taken: true };
  expect(await next.ok('agents.chat.subscribe', claim)).toMatchObject({ status: 'streaming' });
});

test('agents.chat › when its host goes before the ack and another host has left fewer behind › then its oldest makes room', async () => {
  const { linked, first, second, agent } = await start({ limits: { maxDetachedTurns: 2 } });
  for (const session_id of ['a', 'b']) await open(first, { session_id });
  await leave(first);
  await open(second, { session_id: 'c' });
  await leave(second);
  const manager = await linked.manager();
  const { sessions } = await manager.ok('agents.chat.sessions');
  expect(sessions.map((row: Message) => row.session_id).sort()).toEqual(['b', 'c']);
  expect(agent.received('agent.chat.cancel').map(({ params }) => [params.session_id, params.reason])).toEqual([
    ['a', 'host_disconnected'],
  ]);
});
