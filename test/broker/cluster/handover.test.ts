import { afterEach, describe, expect, test } from 'vitest';
import { accepting, arrive, ask, attach, type Member, startCluster } from './support/brokers.ts';
import { DONE, openTurn, resume, rowOf, say, sessionsOf, told } from './support/takeover-scene.ts';

/* A turn is on its way from one broker to another, and something happens before both know that it has arrived. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

/** So long an agent may be away. Seconds. */
const WINDOW_S = 15;

async function start() {
  // Who they are is not what is tested here.
  cluster = await startCluster(['a', 'b', 'c'], { auth: false, limits: { agentWindowMs: WINDOW_S * 1_000 } });
  const [a, b, c] = cluster.members as [Member, Member, Member];
  return { a, b, c, net: cluster.net, pass: cluster.pass };
}

/** A turn at `b` with one event, whose agent has come to `c`: `b` has given it away, and what it says to `c` is held. */
async function leaving(at = 'b', more: object = {}) {
  const scene = await start();
  const { b, c, net } = scene;
  const host = (cluster.members.find(({ name }) => name === at) as Member).connect();
  const agent = await attach(b);
  const { turn, token } = await openTurn(host, agent, more);
  await say(agent, turn, 1, 'one ');
  agent.cut();
  await arrive();
  const next = await attach(c);
  const arrives = net.hold('b', 'c');
  const id = resume(next, { ...turn, kept_from: 1, next: 2 });
  await arrive();
  return { ...scene, host, turn, token, next, id, arrives };
}

const everywhere = async (): Promise<unknown[]> =>
  (await Promise.all(cluster.members.map((member) => sessionsOf(member)))).flat();

describe('a turn on its way to another broker that is cancelled', () => {
  test.each(['a', 'b', 'c'])('ends there, once, and its agent and its host at %s hear of it', async (at) => {
    const { host, next, id, arrives, pass } = await leaving(at);
    const cancelled = host.post('agents.chat.cancel', { session_id: 's', grace_ms: 0 });
    await arrive();
    expect(host.replyTo(cancelled)).toBeUndefined();
    arrives();
    await pass(3);
    expect(rowOf(next, id).status).toBe('resumed');
    expect(host.replyTo(cancelled)?.result).toEqual({ cancelled: true, session_id: 's' });
    expect(next.received('agent.chat.cancel')).toHaveLength(1);
    await pass(WINDOW_S + 5);
    expect(told(host)).toEqual(['1 one ', '2 done']);
    expect(await everywhere()).toEqual([]);
  });

  test('with grace › its agent has that there', async () => {
    const { host, turn, next, arrives, pass } = await leaving();
    host.post('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
    await arrive();
    arrives();
    await pass(3);
    expect(next.received('agent.chat.cancel')).toHaveLength(1);
    await say(next, turn, 2, 'the rest', { kind: 'done', finish_reason: 'cancelled' });
    await pass(1);
    expect(told(host)).toEqual(['1 one ', '2 the rest', '3 done']);
  });

  test('and that never arrives › ends where it was', async () => {
    const { host, pass } = await leaving();
    const cancelled = host.post('agents.chat.cancel', { session_id: 's', grace_ms: 0 });
    await pass(6);
    expect(host.replyTo(cancelled)?.result).toEqual({ cancelled: true, session_id: 's' });
    expect(told(host)).toEqual(['1 one ', '2 done']);
  });
});

test('a turn whose agent’s time is over while it is on its way › goes on where that is', async () => {
  const scene = await start();
  const { b, c, net, pass } = scene;
  const host = b.connect();
  const agent = await attach(b);
  const { turn } = await openTurn(host, agent);
  await say(agent, turn, 1, 'one ');
  agent.cut();
  await pass(WINDOW_S - 1);
  const next = await attach(c);
  const arrives = net.hold('b', 'c');
  const id = resume(next, { ...turn, kept_from: 1, next: 2 });
  await arrive();
  await pass(2);
  arrives();
  await pass(3);
  expect(rowOf(next, id).status).toBe('resumed');
  await say(next, turn, 2, DONE);
  await pass(1);
  expect(told(host)).toEqual(['1 one ', '2 done']);
});

test('a turn that has ended while it was on its way › ends there too, and is nobody’s second end', async () => {
  const { b, c, host, turn, token, next, id, arrives, pass } = await leaving('b', { resume_window_ms: 1_000 });
  host.cut();
  await pass(2);
  // Nobody can say now what there is everywhere.
  const manager = b.connect();
  await manager.ok('session.auth', { host_token: 'any' });
  expect((await ask(manager, 'broker.status')).result.cluster.turns).toBe(0);
  arrives();
  await pass(1);
  expect(rowOf(next, id)).toMatchObject({ turn_id: turn.turn_id });
  expect(next.received('agent.chat.cancel')).toHaveLength(1);
  expect(await everywhere()).toEqual([]);
  const late = c.connect();
  const asked = { session_id: 's', turn_id: turn.turn_id, resume_token: token, after: 1 };
  expect((await ask(late, 'agents.chat.subscribe', asked)).result).toMatchObject({ status: 'abandoned', head: 2 });
  expect(told(late)).toEqual(['2 done']);
});

describe('an agent that is back at the first broker while its turn is on its way', () => {
  test.each([
    ['before that has arrived', false],
    ['after that has arrived', true],
  ])('%s › goes on there, and the other one has nothing of it', async (_when, hasArrived) => {
    const { b, c, net, host, turn, token, next, id, arrives, pass } = await leaving();
    const heard = net.hold('c', 'b');
    if (hasArrived) {
      arrives();
      await arrive();
      expect(rowOf(next, id).status).toBe('resumed');
    }
    next.cut();
    await arrive();
    const back = await attach(b);
    const again = resume(back, { ...turn, kept_from: 1, next: 2 });
    await arrive();
    expect(rowOf(back, again)).toMatchObject({ status: 'resumed', after: 1 });
    arrives();
    heard();
    await pass(2);
    await say(back, turn, 2, 'two', DONE);
    await pass(WINDOW_S + 30);
    expect(told(host)).toEqual(['1 one ', '2 two', '3 done']);
    expect(await everywhere()).toEqual([]);
    const late = c.connect();
    const asked = { session_id: 's', turn_id: turn.turn_id, resume_token: token, after: 2 };
    expect((await ask(late, 'agents.chat.subscribe', asked)).result).toMatchObject({ status: 'done', head: 3 });
    expect(told(late)).toEqual(['3 done']);
  });
});

test('an agent’s turns that are there are not held up by one that nobody has', async () => {
  const { a, b, c, pass } = await start();
  await pass(5);
  const host = a.connect();
  const agent = await attach(a);
  const { turn } = await openTurn(host, agent);
  await say(agent, turn, 1, 'one ');
  b.kill();
  await pass(6);
  agent.cut();
  await arrive();
  const next = await attach(c);
  const id = resume(
    next,
    { turn_id: 'turn-of-b', session_id: 'x', kept_from: 1, next: 1 },
    { ...turn, kept_from: 1, next: 2 },
  );
  await pass(1);
  expect(rowOf(next, id)).toBeUndefined();
  const atC = (await sessionsOf(c)) as { turn_id: string; broker: string }[];
  expect(atC.map(({ turn_id, broker }) => [turn_id, broker])).toEqual([[turn.turn_id, 'c']]);
  // Longer than its agent may be away.
  await pass(30);
  expect(next.replyTo(id)?.result.turns.map(({ status }: { status: string }) => status)).toEqual([
    'unknown',
    'resumed',
  ]);
  await say(next, turn, 2, DONE);
  await pass(1);
  expect(told(host)).toEqual(['1 one ', '2 done']);
});

test('what an older connection has named, heard late › ends no turn of a newer one', async () => {
  const { b, c, net } = await start();
  const older = await attach(c);
  const heard = net.hold('c', 'b');
  resume(older);
  await arrive();
  const agent = await attach(b);
  const host = b.connect();
  const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000 });
  const { turn_id, session_id } = await accepting(agent);
  expect(host.replyTo(id).result.accepted).toBe(true);
  agent.cut();
  await arrive();
  heard();
  await arrive();
  const back = await attach(b);
  const again = resume(back, { turn_id, session_id, kept_from: 1, next: 1 });
  await arrive();
  expect(rowOf(back, again).status).toBe('resumed');
});

test('a long turn goes in parts, and nobody’s link is lost', async () => {
  const { b, c, pass } = await start();
  const host = b.connect();
  const agent = await attach(b);
  const { turn, token } = await openTurn(host, agent);
  const deltas = Array.from({ length: 12 }, (_, at) => String(at).padEnd(100_000, '-'));
  await say(agent, turn, 1, ...deltas);
  agent.cut();
  await arrive();
  const next = await attach(c);
  const id = resume(next, { ...turn, kept_from: 13, next: 13 });
  await pass(1);
  expect(rowOf(next, id)).toMatchObject({ status: 'resumed', after: 12 });
  await say(next, turn, 13, DONE);
  const late = c.connect();
  await ask(late, 'agents.chat.subscribe', { session_id: 's', turn_id: turn.turn_id, resume_token: token, after: 0 });
  expect(told(late)).toEqual([...deltas.map((delta, at) => `${at + 1} ${delta}`), '13 done']);
  const manager = b.connect();
  await manager.ok('session.auth', { host_token: 'any' });
  const { brokers } = (await ask(manager, 'broker.status')).result.cluster;
  expect(brokers.map(({ link }: { link: boolean }) => link)).toEqual([true, true]);
});
