import { afterEach, describe, expect, test, vi } from 'vitest';
import { SharedDirectory } from '../../../cluster/shared-directory.ts';
import { arrive, ask } from './support/brokers.ts';
import {
  DONE,
  openTurn,
  resume,
  rowOf,
  say,
  sessionsOf,
  startTakeover,
  told,
  WINDOW_S,
} from './support/takeover-scene.ts';

/* The broker of a turn comes back with its journal, after another one has taken the turn up. */

let scene: Awaited<ReturnType<typeof startTakeover>>;

afterEach(() => {
  vi.restoreAllMocks();
  return scene.cluster.end();
});

/** The turn goes on at `c`, and `b`, which had it, is not there. */
async function takenUp() {
  scene = await startTakeover();
  const { a, b, c, attach, kill, mourn } = scene;
  const host = a.connect();
  const agent = await attach(b);
  const { turn, ticket, token } = await openTurn(host, agent);
  await say(agent, turn, 1, 'one ', 'two ');
  await kill(agent);
  const next = await attach(c);
  const id = resume(next, { ...turn, ticket, next: 3, kept_from: 1 });
  await mourn();
  expect(rowOf(next, id).status).toBe('resumed');
  await say(next, turn, 1, 'one ', 'two ', 'three ');
  return { host, next, turn, token };
}

describe('a broker that is there again with a turn of before', () => {
  test('gives it up where it goes on elsewhere', async () => {
    const { host, next, turn, token: resume_token } = await takenUp();
    const b = await scene.again();
    // Whatever is asked of it before it has heard so.
    const reader = b.connect();
    const said = { session_id: 's', turn_id: turn.turn_id, resume_token, role: 'observer' };
    const id = reader.post('agents.chat.subscribe', said);
    await scene.cluster.pass(3);
    expect(reader.replyTo(id)?.result).toMatchObject({ turn_id: turn.turn_id });
    const rows = await sessionsOf(b);
    expect(rows.map(({ turn_id, status }) => [turn_id, status])).toEqual([[turn.turn_id, 'streaming']]);
    await say(next, turn, 4, 'four', DONE);
    await scene.cluster.pass(WINDOW_S + 5);
    expect(told(reader)).toEqual(['1 one ', '2 two ', '3 three ', '4 four', '5 done']);
    expect(told(host)).toEqual(['1 one ', '2 two ', '3 three ', '4 four', '5 done']);
    expect(await sessionsOf(b)).toEqual([]);
  });

  test('gives it up where it has ended elsewhere meanwhile', async () => {
    const { host, next, turn, token } = await takenUp();
    await say(next, turn, 4, DONE);
    const b = await scene.again();
    await scene.cluster.pass(3);
    expect(await sessionsOf(b)).toEqual([]);
    const late = b.connect();
    const asked = { session_id: 's', turn_id: turn.turn_id, resume_token: token, after: 2 };
    const { result } = await ask(late, 'agents.chat.subscribe', asked);
    expect(result).toMatchObject({ status: 'done', head: 4 });
    expect(told(late)).toEqual(['3 three ', '4 done']);
    expect(told(host)).toEqual(['1 one ', '2 two ', '3 three ', '4 done']);
  });

  test('keeps it where nobody has taken it up', async () => {
    scene = await startTakeover();
    const { a, b, attach, kill, again } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one ');
    await kill(agent);
    const back = await again();
    const next = await attach(back);
    const id = resume(next, { ...turn, ticket, next: 2, kept_from: 1 });
    await arrive();
    // It has its log, and still nothing is released.
    expect(rowOf(next, id)).toMatchObject({ status: 'resumed', after: 1, released: 0 });
    await say(next, turn, 2, 'two', DONE);
    await scene.cluster.pass(5);
    expect(told(host)).toEqual(['1 one ', '2 two', '3 done']);
  });
});

describe('a broker that was only out of reach', () => {
  test('gives its turn up when it hears where that goes on, and its own host reads on', async () => {
    scene = await startTakeover();
    const { cluster, b, c, attach, mourn } = scene;
    const host = b.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one ');
    cluster.net.silent.add('b');
    agent.cut();
    await arrive();
    const next = await attach(c);
    const id = resume(next, { ...turn, ticket, next: 2, kept_from: 1 });
    await mourn();
    expect(rowOf(next, id).status).toBe('resumed');
    await say(next, turn, 1, 'one ', 'two ');
    cluster.net.silent.delete('b');
    await cluster.pass(5);
    await say(next, turn, 3, DONE);
    await cluster.pass(WINDOW_S + 5);
    expect(told(host)).toEqual(['1 one ', '2 two ', '3 done']);
  });
});

test.each([
  ['when all know that it is', 6],
  ['before anybody knows that it is', 0],
])(
  'a turn whose broker is out of reach is waited for at a broker, too, that is new and has never heard of that one: %s',
  async (_when, seconds) => {
    scene = await startTakeover();
    const { cluster, b, c, attach, kill, again } = scene;
    const agent = await attach(c);
    const { turn, token: resume_token } = await openTurn(b.connect(), agent);
    await say(agent, turn, 1, 'one ');
    await kill();
    cluster.net.silent.add('c');
    await cluster.pass(seconds);
    const next = await again();
    await cluster.pass(5);
    const reader = next.connect();
    const id = reader.post('agents.chat.subscribe', { session_id: 's', turn_id: turn.turn_id, resume_token });
    await cluster.pass(10);
    expect(reader.replyTo(id)).toBeUndefined();
    cluster.net.silent.delete('c');
    await cluster.pass(5);
    expect(reader.replyTo(id)?.result).toMatchObject({ turn_id: turn.turn_id });
    await say(agent, turn, 2, DONE);
    expect(told(reader)).toEqual(['1 one ', '2 done']);
  },
);

describe('a broker that was out of reach with a turn that has ended elsewhere', () => {
  test.each([
    ['has lost its agent', true],
    ['believes that its agent is still there', false],
  ])('and %s › ends no turn that has begun in that session since', async (_what, isCut) => {
    scene = await startTakeover();
    const { cluster, a, b, c, attach, mourn } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one ');
    cluster.net.silent.add('b');
    if (isCut) agent.cut();
    else b.hears(false);
    await arrive();
    const next = await attach(c);
    const id = resume(next, { ...turn, ticket, next: 2, kept_from: 1 });
    await mourn();
    expect(rowOf(next, id).status).toBe('resumed');
    await say(next, turn, 1, 'one ', DONE);
    const second = await openTurn(host, next);
    expect(second.turn.turn_id).not.toBe(turn.turn_id);
    cluster.net.silent.delete('b');
    await cluster.pass(5);
    expect((await sessionsOf(b)).map(({ turn_id }) => turn_id)).toEqual([second.turn.turn_id]);
    b.hears(true);
    await say(next, second.turn, 1, 'two ', DONE);
    await cluster.pass(WINDOW_S + 5);
    expect(told(host)).toEqual(['1 one ', '2 done', '1 two ', '2 done']);
    expect(await sessionsOf(b)).toEqual([]);
  });
});

test('a turn of before whose session cannot be had for a while has it when it can be had: nobody opens another one in it', async () => {
  scene = await startTakeover();
  const { a, b, c, cluster, attach, kill } = scene;
  const agent = await attach(b);
  const { turn } = await openTurn(a.connect(), agent);
  await kill(agent);
  const claiming = vi.spyOn(SharedDirectory.prototype, 'claim').mockResolvedValue({ isOurs: false, broker: 'a' });
  const back = await attach(await scene.again());
  const id = resume(back, { ...turn, next: 1, kept_from: 1 });
  // Until it is asked for no more by whoever has asked first.
  for (let times = 0; times < 60; times += 1) {
    cluster.clock.increment(40);
    await arrive();
  }
  expect(rowOf(back, id).status).toBe('resumed');
  claiming.mockRestore();
  await cluster.pass(3);
  const other = await attach(c, {}, 'other');
  const reply = await ask(c.connect(), 'agents.chat', { agent_id: 'other', prompt: 'hi', session_id: 's' });
  expect(reply?.error.code).toBe(-32010);
  expect(other.received('agent.chat')).toEqual([]);
});
