import { expect, test } from 'vitest';
import { openChat, settle } from '../../support/linked.ts';
import { start as startPeople } from '../identity/people.ts';
import { acked, DONE, startComeback, told } from './comeback-scene.ts';

/* The newest connection of an agent wins: it goes on with the turns that it names, the others end. */

test('a newer connection › when it names a turn of the old one › then that goes on, and the old one is closed', async () => {
  const { host, agent, say, back } = await startComeback();
  await say(agent, 1, 'a');
  const { agent: next, row } = await back({ kept_from: 2 });
  expect(agent.closed).toBe(4409);
  expect(row).toMatchObject({ status: 'resumed', after: 1 });
  await say(next, 2, 'b', DONE);
  expect(told(host)).toEqual(['1 a', 'agent_away', 'agent_back', '2 b', '3 done stop']);
});

test('a newer connection › when the old one still says something › then that is nobody’s', async () => {
  const { host, agent, say, attach, named } = await startComeback();
  const next = await attach();
  await say(agent, 1, 'from the old one');
  await next.ok('agent.resume', { turns: [named()] });
  await say(agent, 1, 'again');
  await say(next, 1, 'from the new one');
  expect(told(host)).toEqual(['agent_away', 'agent_back', '1 from the new one']);
});

test('a newer connection › when it names none › then the turns of the old one end, and a new process starts afresh', async () => {
  const { host, attach } = await startComeback();
  const next = await attach();
  expect(told(host)).toEqual(['agent_away']);
  expect(await next.ok('agent.resume', { turns: [] })).toEqual({ turns: [] });
  expect(told(host)).toEqual(['agent_away', '1 error agent_replaced']);
  const { turn_id } = await openChat(host, next, { agent_id: 'echo', session_id: 's' });
  next.emit('s', { ...DONE, turn_id, aseq: 1 });
  await settle();
  expect(told(host).at(-1)).toBe('1 done stop');
});

test('a newer connection › when it says nothing for ten seconds › then they end', async () => {
  const { linked, host, attach, back } = await startComeback();
  await attach();
  await linked.advance(9_900);
  expect(told(host)).toEqual(['agent_away']);
  await linked.advance(140);
  expect(told(host)).toEqual(['agent_away', '1 error agent_replaced']);
  expect((await back()).row.status).toBe('unknown');
});

test('a newer connection › when it is lost before it has named any › then the next one may', async () => {
  const { linked, host, attach, back, cut } = await startComeback();
  const next = await attach();
  await linked.advance(9_000);
  await cut(next);
  await linked.advance(9_000);
  expect((await back()).row.status).toBe('resumed');
  expect(told(host)).toEqual(['agent_away', 'agent_back']);
});

test('a newer connection › that does not number its events › then they end at once', async () => {
  const { host, attach } = await startComeback();
  await attach(false);
  await settle();
  expect(told(host)).toEqual(['1 error agent_replaced']);
});

test('a newer connection › after the old one was lost, that does not number its events › then they end at once, too', async () => {
  const { host, attach, cut } = await startComeback();
  await cut();
  await attach(false);
  await settle();
  expect(told(host)).toEqual(['agent_away', '1 error agent_replaced']);
});

test('agent.resume › with 1,000 turns › then the others wait for the next request', async () => {
  const { host, attach, cut, named } = await startComeback();
  await cut();
  const next = await attach();
  const many = Array.from({ length: 1_000 }, (_, n) => ({ turn_id: `t${n}`, session_id: 's' }));
  const first = next.post('agent.resume', { turns: many });
  // It is done in slices.
  await expect.poll(() => next.replyTo(first)?.result.turns.length).toBe(1_000);
  expect(told(host)).toEqual(['agent_away']);
  expect((await next.ok('agent.resume', { turns: [named()] })).turns[0].status).toBe('resumed');
  const more = await next.call('agent.resume', { turns: [...many, named()] });
  expect(more.error.code).toBe(-32602);
});

test('agent.resume › for a turn twice, or one that it has still › then it is told how far that is', async () => {
  const { agent, say, named, back } = await startComeback();
  await say(agent, 1, 'a');
  expect((await agent.ok('agent.resume', { turns: [named()] })).turns[0]).toMatchObject({
    status: 'resumed',
    after: 1,
  });
  const { agent: next } = await back();
  const { turns } = await next.ok('agent.resume', { turns: [named(), named()] });
  expect(turns.map((row: { status: string }) => row.status)).toEqual(['resumed', 'resumed']);
});

test('agent.resume › for another agent’s turn, or in another session › then it is unknown, and nothing happens to it', async () => {
  const { linked, host, cut, named, attach } = await startComeback();
  await cut();
  const { token } = linked.broker.upsertAgent({ id: 'other' });
  const other = linked.connect();
  await other.ok('session.auth', { agent_id: 'other', token, resume: true });
  expect((await other.ok('agent.resume', { turns: [named()] })).turns[0].status).toBe('unknown');
  const next = await attach();
  const many = Array.from({ length: 999 }, () => named({ session_id: 'x' }));
  const id = next.post('agent.resume', { turns: [...many, named({ turn_id: 'nothing' })] });
  await expect.poll(() => next.replyTo(id)?.result.turns[0].status).toBe('unknown');
  expect(told(host)).toEqual(['agent_away']);
});

test('agent.resume › by an agent of the same id in another tenant › then the turn is unknown to it', async () => {
  const { join, connect } = startPeople();
  const attach = async (tenant: string) => {
    const client = connect();
    await client.ok('session.auth', { token: `@${tenant}`, agent_id: 'bot', resume: true });
    return client;
  };
  const alice = await join('alice@acme');
  const bot = await attach('acme');
  const { turn_id } = await openChat(alice, bot, { agent_id: 'bot', session_id: 's' });
  const { session_id } = bot.lastChat().params;
  bot.cut();
  await settle();
  const stranger = await attach('beta');
  const named = { turn_id, session_id };
  expect((await stranger.ok('agent.resume', { turns: [named] })).turns[0].status).toBe('unknown');
  stranger.emit(session_id, { kind: 'token', delta: 'x', turn_id, aseq: 1 });
  await settle();
  const again = await attach('acme');
  expect((await again.ok('agent.resume', { turns: [named] })).turns[0]).toMatchObject({ status: 'resumed', after: 0 });
  expect(told(alice)).toEqual(['agent_away', 'agent_back']);
});

test('agent.resume › of an agent that has let go of some events, and has their text › then that stands for them', async () => {
  const { linked, host, agent, say, cut, back } = await startComeback();
  await say(agent, 1, 'one ', 'two ');
  await cut();
  const { agent: next, row } = await back({ kept_from: 5, text: 'one two three four ' });
  expect(row).toMatchObject({ status: 'resumed', after: 4, released: 4 });
  await say(next, 5, 'five', DONE);
  expect(told(host)).toEqual([
    '1 one ',
    '2 two ',
    'agent_away',
    'agent_back',
    '3 three four ',
    '4 five',
    '5 done stop',
  ]);
  expect(host.events('s').find(({ seq }) => seq === 3)).toMatchObject({ recovered: true });
  await linked.advance(70);
  expect(acked(next)).toEqual([[6, 6]]);
});

test('agent.resume › of an agent that has let go of events without their text › then the turn ends', async () => {
  const { host, agent, say, cut, back } = await startComeback();
  await say(agent, 1, 'one ');
  await cut();
  expect((await back({ kept_from: 5, text: '' })).row.status).toBe('unknown');
  expect(told(host)).toEqual(['1 one ', 'agent_away', '2 error agent_disconnected']);
});
