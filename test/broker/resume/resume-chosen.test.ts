import { expect, test } from 'vitest';
import { openChat, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { heard } from '../../support/resume-scene.ts';
import { start as startPeople } from '../identity/people.ts';
import { CHAT, leave, open, start, TOKEN } from './chosen-scene.ts';

/* A host that chooses the `resume_token` opens its chat exactly once, whichever answer is lost (wire.md section 6, 3). */

test('agents.chat › with a token of its own › then the answer has that one, and it resumes the turn', async () => {
  const { linked, agent, first } = await start();
  expect(await openChat(first, agent, CHAT)).toEqual({
    accepted: true,
    session_id: 's',
    turn_id: expect.any(String),
    resume_token: TOKEN,
  });
  const other = await linked.host();
  const claim = { session_id: 's', resume_token: TOKEN };
  expect(await other.ok('agents.chat.subscribe', claim)).toMatchObject({ status: 'streaming' });
});

test.each([
  ['31 characters', { resume_token: 'a'.repeat(31) }, 'resume_token'],
  ['129 characters', { resume_token: 'a'.repeat(129) }, 'resume_token'],
  ['another character', { resume_token: `${'a'.repeat(42)}.` }, 'resume_token'],
  ['a number', { resume_token: 7 }, 'resume_token'],
  ['no window', { resume_window_ms: undefined }, 'resume_window_ms'],
  ['no session', { session_id: undefined }, 'session_id'],
])('agents.chat › with a token and %s › then -32602 names it, and nobody is asked', async (_what, fields, path) => {
  const { first, asked } = await start();
  const { error } = await first.call('agents.chat', { ...CHAT, ...fields });
  expect(error.code).toBe(-32602);
  expect(error.data.issues).toEqual([{ path, message: expect.any(String) }]);
  expect(error.message).not.toContain('aaaa');
  expect(asked()).toBe(0);
});

test('agents.chat › again before the ack › then the agent is asked once, both are answered, and the second is the host', async () => {
  const { first, second, agent, asked, accept, say } = await start();
  const [one, two] = [await open(first), await open(second)];
  expect(asked()).toBe(1);
  await accept();
  const { turn_id } = first.replyTo(one).result;
  expect(first.replyTo(one).result).toEqual({ accepted: true, session_id: 's', turn_id, resume_token: TOKEN });
  expect(second.replyTo(two).result).toEqual({
    ...{ accepted: true, session_id: 's', turn_id, resume_token: TOKEN, resumed: true },
    ...{
      agent_id: 'echo',
      status: 'streaming',
      head: 0,
      recovered: true,
      pending_approvals: [],
      epoch: expect.any(String),
    },
  });
  await say('a');
  expect(heard(first)).toEqual([]);
  expect(heard(second)).toEqual(['1 token a']);
  expect(agent.received('agent.chat.cancel')).toEqual([]);
});

test('agents.chat › when its host goes before the ack › then the turn is born without one, and waits for the same chat again', async () => {
  const { first, second, agent, asked, accept, say, row } = await start();
  await open(first);
  await leave(first);
  expect(await row()).toMatchObject({ status: 'dispatching', host_client_id: null });
  await accept();
  await say('a');
  expect(await row()).toMatchObject({ status: 'detached', host_client_id: null, seq: 1 });
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({ accepted: true, resumed: true, status: 'streaming', head: 1 });
  await say('b');
  expect(heard(second)).toEqual(['1 token a', '2 token b']);
  expect(asked()).toBe(1);
  expect(agent.received('agent.chat.cancel')).toEqual([]);
});

test('agents.chat › when nobody comes back to a turn that was born without a host › then it ends with its window', async () => {
  const { linked, first, second, agent, asked, accept, row } = await start();
  await open(first);
  await leave(first);
  await accept();
  await linked.advance(60_020);
  expect(await row()).toBeUndefined();
  expect(agent.received('agent.chat.cancel')[0].params.reason).toBe('host_disconnected');
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({ resumed: true, status: 'abandoned', head: 1 });
  expect(heard(second)).toEqual(['1 done cancelled']);
  expect(asked()).toBe(1);
});

test('agents.chat › when its host goes before the ack and the agent refuses › then nothing is left, and the same chat is a new one', async () => {
  const { first, second, agent, asked, accept, row } = await start();
  await open(first);
  await leave(first);
  agent.answer(agent.lastChat(), { accepted: false });
  await settle();
  expect(await row()).toBeUndefined();
  const again = await open(second);
  expect(asked()).toBe(2);
  await accept();
  expect(second.replyTo(again).result).not.toHaveProperty('resumed');
});

test('agents.chat › when its host goes before the ack and the agent is silent › then the turn ends as it would have', async () => {
  const { linked, first, agent, row } = await start();
  await open(first);
  await leave(first);
  await linked.advance(5_020);
  expect(await row()).toBeUndefined();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(agent.received('agent.chat.cancel')[0].params.reason).toBe('ack_timeout');
});

test('agents.chat › again after the ack › then it takes the turn over from its first event on, and starts nothing', async () => {
  const { linked, first, second, agent, asked, say } = await start();
  const { turn_id } = await openChat(first, agent, CHAT);
  await say('a');
  agent.emit('s', { kind: 'approval_pending', approval_id: 'x', tool: 't' });
  await settle();
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({
    ...{ accepted: true, resumed: true, turn_id, resume_token: TOKEN, status: 'parked', head: 2, recovered: true },
    pending_approvals: [expect.objectContaining({ approval_id: 'x' })],
  });
  await say('b');
  expect(heard(second)).toEqual(['1 token a', '2 approval_pending', '3 token b']);
  expect(heard(first)).toEqual(['1 token a', '2 approval_pending']);
  expect(asked()).toBe(1);
  expect(await readMetric(linked.broker, 'turns_total')).toEqual({ '': 1 });
});

test('agents.chat › again on the same connection › then it is told the turn from the beginning', async () => {
  const { first, agent, asked, say } = await start();
  await openChat(first, agent, CHAT);
  await say('a');
  const again = await open(first, { on_busy: 'replace' });
  expect(first.replyTo(again).result).toMatchObject({ resumed: true, head: 1 });
  await say('b');
  expect(heard(first)).toEqual(['1 token a', '1 token a', '2 token b']);
  expect(asked()).toBe(1);
});

test('agents.chat › again when the turn has ended › then it is told how, for five minutes; then it is a new chat', async () => {
  const { linked, first, second, agent, asked, say, end } = await start();
  await openChat(first, agent, CHAT);
  await say('a');
  await end();
  await leave(first);
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({ accepted: true, resumed: true, status: 'done', head: 2 });
  expect(heard(second)).toEqual(['1 token a', '2 done stop']);
  await linked.advance(5 * 60_000);
  await open(second);
  expect(asked()).toBe(2);
});

test('agents.chat › again when its session has had another turn since › then it still is the first one', async () => {
  const { first, second, agent, asked, end } = await start();
  const { turn_id } = await openChat(first, agent, CHAT);
  await end();
  await openChat(first, agent, { ...CHAT, resume_token: 'b'.repeat(43) });
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({ resumed: true, turn_id, status: 'done' });
  expect(asked()).toBe(2);
});

test('agents.chat › again when its agent has gone › then it is answered as before', async () => {
  const { first, second, agent, end } = await start();
  await openChat(first, agent, CHAT);
  await end();
  await leave(agent);
  const again = await open(second);
  expect(second.replyTo(again).result).toMatchObject({ resumed: true, status: 'done' });
});

test.each([
  ['another prompt', { prompt: 'ho' }, 'prompt'],
  ['another agent', { agent_id: 'other' }, 'agent_id'],
])(
  'agents.chat › with the token of a chat with %s › then -32602, before the ack, after it and after the end',
  async (_what, fields, path) => {
    const { linked, first, second, asked, accept, end } = await start();
    await linked.agent('other');
    const refused = async () => {
      const { error } = await second.call('agents.chat', { ...CHAT, ...fields });
      expect(error).toMatchObject({ code: -32602, data: { issues: [{ path }] } });
      expect(JSON.stringify(error)).not.toContain(TOKEN);
    };
    await open(first);
    await refused();
    await accept();
    await refused();
    await end();
    await refused();
    expect(asked()).toBe(1);
  },
);

test('agents.chat › with another token in a busy session › then it is as busy as without one', async () => {
  const { first, second, agent } = await start();
  await openChat(first, agent, CHAT);
  const { error } = await second.call('agents.chat', { ...CHAT, resume_token: 'b'.repeat(43) });
  expect(error.code).toBe(-32010);
});

test('agents.chat › with the token of another principal’s chat › then it is a chat of its own', async () => {
  const { join } = startPeople();
  const [ann, bob, agent] = [await join('ann'), await join('bob'), await join('agent', 'echo')];
  const one = await openChat(ann, agent, CHAT);
  const two = await openChat(bob, agent, CHAT);
  expect(agent.received('agent.chat')).toHaveLength(2);
  expect(two).not.toHaveProperty('resumed');
  expect(two.turn_id).not.toBe(one.turn_id);
  agent.notify('agent.chat.event', { session_id: 's', turn_id: one.turn_id, kind: 'token', delta: 'a' });
  await settle();
  expect(heard(bob)).toEqual([]);
});
