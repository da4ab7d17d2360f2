import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { arrive } from './support/brokers.ts';
import { DONE, openTurn, resume, rowOf, say, sessionsOf, startTakeover, told } from './support/takeover-scene.ts';

let scene: Awaited<ReturnType<typeof startTakeover>>;

afterEach(() => scene.cluster.end());

/** A broker says nothing to the others, nor hears them. @returns what lets it come back */
function cutOff(name: string): () => void {
  const { silent, deaf } = scene.cluster.net;
  for (const cut of [silent, deaf]) cut.add(name);
  return () => {
    for (const cut of [silent, deaf]) cut.delete(name);
  };
}

/** Its host may be away for so long: nothing ends meanwhile for that. */
const WINDOW = { resume_window_ms: 120_000 };

/** An answer may take as long as a link needs to be there again. */
async function answered(agent: LinkedClient, id: number): Promise<void> {
  for (let seconds = 0; seconds < 45 && !agent.replyTo(id); seconds += 1) await scene.cluster.pass(1);
}

/** A turn at `b` that its host reads there, and that has said a word. */
async function begunThere() {
  scene = await startTakeover();
  const { b, attach } = scene;
  const host = b.connect();
  const agent = await attach(b);
  const { turn } = await openTurn(host, agent, WINDOW);
  await say(agent, turn, 1, 'one ');
  return { ...scene, host, agent };
}

describe('an agent that comes back to a broker which still has what went on elsewhere, and ended there', () => {
  test('goes on there with a later turn of the same session, whose own broker is gone by then', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, mourn, cluster } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const first = await openTurn(host, agent, WINDOW);
    await say(agent, first.turn, 1, 'one ');
    const isBack = cutOff('b');
    agent.cut();
    const next = await attach(c);
    const taken = resume(next, { ...first.turn, ticket: first.ticket, next: 2, kept_from: 1 });
    await mourn();
    expect(rowOf(next, taken).status).toBe('resumed');
    await say(next, first.turn, 1, 'one ', DONE);
    await cluster.pass(3);
    const second = await openTurn(host, next, WINDOW);
    await say(next, second.turn, 1, 'two ');
    // The one is back when the other goes, and has heard of nothing.
    const cIsBack = cutOff('c');
    isBack();
    next.cut();
    const last = await attach(b);
    const id = resume(last, { ...second.turn, ticket: second.ticket, next: 2, kept_from: 1 });
    await answered(last, id);
    expect(rowOf(last, id)).toMatchObject({ turn_id: second.turn.turn_id, status: 'resumed' });
    await say(last, second.turn, 1, 'two ', 'three ');
    cIsBack();
    await cluster.pass(5);
    await say(last, second.turn, 3, DONE);
    await cluster.pass(5);
    await arrive();
    expect(told(host)).toEqual(['1 one ', '2 done', '1 two ', '2 three ', '3 done']);
    for (const member of [a, b, c]) expect(await sessionsOf(member)).toEqual([]);
  });
});

describe('a broker that was cut off while its agent has named elsewhere all that it goes on with', () => {
  test('hears of that when it is back, and ends what was not named', async () => {
    const { b, c, attach, mourn, host, agent } = await begunThere();
    const isBack = cutOff('b');
    agent.cut();
    const next = await attach(c);
    const id = resume(next);
    await answered(next, id);
    await mourn();
    expect(told(host)).toEqual(['1 one ']);
    isBack();
    await scene.cluster.pass(5);
    expect(told(host)).toEqual(['1 one ', '2 error agent_replaced']);
    expect(await sessionsOf(b)).toEqual([]);
  });
});

describe('a broker that hears that its agent has named all elsewhere, before it hears that it is there', () => {
  test('ends what was not named', async () => {
    const { b, c, attach, cluster, host, agent } = await begunThere();
    b.hears(false);
    const next = await attach(c);
    await answered(next, resume(next));
    await cluster.pass(2);
    b.hears(true);
    await cluster.pass(5);
    expect([agent.closed, told(host)]).toEqual([4409, ['1 one ', '2 error agent_replaced']]);
    expect(await sessionsOf(b)).toEqual([]);
  });
});
