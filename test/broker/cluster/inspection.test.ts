import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectSubscribeResult } from '../../../protocol/inspect.ts';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { recordsOf } from '../inspect/inspect-support.ts';
import { accepting, arrive, ask, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let a: Member;
let b: Member;

beforeEach(async () => {
  cluster = await startCluster(['a', 'b'], { inspect: true });
  [a, b] = cluster.members as [Member, Member];
});
afterEach(() => cluster.end());

/** What a watcher knows of the actors of another broker: as they stood, with what became of them. */
function known(watcher: LinkedClient, broker: string): Map<string, Message> {
  const actors = new Map<string, Message>();
  let before = new Set<string>();
  for (const record of recordsOf(watcher)) {
    if (record.type === 'broker' && record.broker === broker) {
      if (record.seen === 'begins') before = new Set(actors.keys());
      else if (record.seen === 'whole') for (const id of before) actors.delete(id);
      else actors.clear();
    } else if (record.type === 'started' && record.actor.broker === broker) {
      actors.set(record.actor.id, { ...record.actor });
      before.delete(record.actor.id);
    } else if (record.type === 'transition' && actors.has(record.actor))
      actors.set(record.actor, { ...actors.get(record.actor), state: record.state });
    else if (record.type === 'ended') actors.delete(record.actor);
  }
  return actors;
}

const named = (actors: Map<string, Message>, name: string) =>
  [...actors.values()].find((actor) => actor.name === name || actor.machine === name);

/** Lets what has happened at one broker be told at the other, and there to whoever watches. */
const told = () => cluster.pass(3);

/** Watches at a broker, until all is told. */
async function watch(member: Member): Promise<LinkedClient> {
  const watcher = await member.manager();
  inspectSubscribeResult.parse(await watcher.ok('inspect.subscribe'));
  await told();
  return watcher;
}

/** What is said over the link to a broker from here on. */
function toldTo(name: string): () => string[] {
  const texts: string[] = [];
  const give = cluster.net.give.bind(cluster.net);
  cluster.net.give = (to, frame) => {
    if (to === name) texts.push(frame.toString());
    give(to, frame);
  };
  return () => texts;
}

/** A chat from one broker to an agent at the other. */
async function crossing() {
  const agent = await b.agent('bot');
  await arrive();
  const host = await a.host();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
  const { turn_id } = await accepting(agent);
  return { agent, host, turnId: turn_id };
}

describe('inspect.subscribe › at one of several brokers', () => {
  test('a turn crosses › both of its sides are told, as they stood and as they go on, without a gap', async () => {
    const { agent, turnId } = await crossing();
    const watcher = await a.manager();
    const answer = inspectSubscribeResult.parse(await watcher.ok('inspect.subscribe'));
    expect(answer).toMatchObject({ broker: 'a', brokers: ['b'] });
    const own = answer.actors as Message[];
    await told();
    const there = known(watcher, 'b');
    // The broker, the turn, its agent, and who stands for its host.
    expect([...there.values()].map(({ machine }) => machine).sort()).toEqual([
      ...['broker', 'connection', 'connection', 'turn'],
    ]);
    const turn = named(there, turnId) as Message;
    expect(turn).toMatchObject({ state: expect.arrayContaining(['live.work.streaming']), broker: 'b' });
    expect(there.get(turn.parent)?.machine).toBe('broker');
    const guest = named(there, turn.context.host) as Message;
    const { broker, client } = guest.context.guest_of as { broker: string; client: string };
    expect(broker).toBe('a');
    expect(own.find(({ name }) => name === client)).toMatchObject({ machine: 'connection' });
    expect(own.find(({ machine }) => machine === 'extension')?.context).toMatchObject({ broker: 'b', turns: [turnId] });
    // No two actors have one id.
    const ids = [...own.map(({ id }) => id), ...there.keys()];
    expect(new Set(ids).size).toBe(ids.length);

    agent.emit('s', { kind: 'token', delta: 'one' });
    agent.emit('s', { kind: 'approval_pending', approval_id: 'x', tool: 'rm' });
    await told();
    expect(known(watcher, 'b').get(turn.id)?.state).toContain('live.work.parked');
    const heard = recordsOf(watcher).filter(({ type, event }) => type === 'event' && event === 'approval.pending');
    expect(heard.map(({ actor }) => actor)).toContain(turn.id);
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await told();
    expect(known(watcher, 'b').has(turn.id)).toBe(false);
    const numbers = recordsOf(watcher).map(({ sequence }) => sequence);
    expect(numbers).toEqual(numbers.map((_, n) => answer.sequence + 1 + n));
  });

  test('nobody watches any more › the other broker is not watched either', async () => {
    const watcher = await watch(a);
    const there = await b.manager();
    expect((await there.ok('broker.status')).inspect_watchers).toBe(0);
    const before = recordsOf(watcher).length;
    await b.host();
    await told();
    expect(recordsOf(watcher).length).toBeGreaterThan(before);
    await watcher.ok('inspect.unsubscribe');
    const texts = toldTo('a');
    await b.host();
    await told();
    expect(texts().filter((text) => text.includes('inspect.records'))).toEqual([]);
  });

  test('two watch › each is told of all once, and what happens goes over the link once', async () => {
    const first = await watch(a);
    const count = recordsOf(first).filter(({ type }) => type === 'broker').length;
    expect(count).toBe(2);
    const second = await watch(a);
    expect(recordsOf(first).filter(({ type }) => type === 'broker')).toHaveLength(2);
    expect(named(known(second, 'b'), 'broker')).toMatchObject({ state: ['accepting'] });
    const texts = toldTo('a');
    await b.agent('late');
    await told();
    const started = (watcher: LinkedClient) =>
      recordsOf(watcher).filter(({ type, actor }) => type === 'started' && actor.broker === 'b').length;
    expect(started(second)).toBe(started(first));
    expect(texts().join('').split('"type":"started"').length - 1).toBe(1);
    // Again: all of it is told anew, to who has asked.
    const before = recordsOf(first).length;
    await ask(second, 'inspect.subscribe');
    await told();
    expect(recordsOf(second).filter(({ type }) => type === 'broker')).toHaveLength(4);
    expect(
      recordsOf(first)
        .slice(before)
        .filter(({ type }) => type === 'broker'),
    ).toEqual([]);
  });

  test('the link is lost, and there is another › it is told that nothing is heard, and then of all anew', async () => {
    const watcher = await watch(a);
    cluster.net.silent.add('b');
    await cluster.pass(15);
    const last = recordsOf(watcher).findLast(({ type }) => type === 'broker');
    expect(last).toMatchObject({ broker: 'b', seen: 'lost' });
    expect(known(watcher, 'b').size).toBe(0);
    cluster.net.silent.delete('b');
    await cluster.pass(5);
    expect(named(known(watcher, 'b'), 'broker')).toBeDefined();
  });

  test('the other is not inspected › it is told so, and of its own broker alone', async () => {
    await cluster.end();
    cluster = await startCluster(['a'], { inspect: true });
    [a] = cluster.members as [Member];
    await cluster.start('c', { inspect: false });
    await told();
    const watcher = await watch(a);
    expect(recordsOf(watcher).filter(({ type }) => type === 'broker')).toMatchObject([{ broker: 'c', seen: 'lost' }]);
  });

  test('more happens at the other than may wait › it is told how much was left out, and may ask anew', async () => {
    await cluster.end();
    cluster = await startCluster(['a', 'b'], { inspect: true, limits: { maxInspectBytes: 40_000 } });
    [a, b] = cluster.members as [Member, Member];
    const watcher = await watch(a);
    const manager = await b.manager();
    for (let n = 0; n < 300; n += 1) await manager.ok('broker.status');
    await told();
    const dropped = recordsOf(watcher).filter(({ type }) => type === 'dropped');
    expect(dropped.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(100);
    await ask(watcher, 'inspect.subscribe');
    await told();
    expect([...known(watcher, 'b').values()].map(({ machine }) => machine).sort()).toEqual([
      ...['broker', 'connection'],
    ]);
  });
});
