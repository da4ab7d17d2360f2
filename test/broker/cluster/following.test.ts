import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, ask, attach, type Member, startCluster } from './support/brokers.ts';
import { openTurn, resume, rowOf, say, told } from './support/takeover-scene.ts';

/* Whoever reads a turn at another broker whose log is short: it was not there for a while, or had to be looked for. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function scene(names = ['a', 'b']) {
  // Who they are is not what is tested here.
  cluster = await startCluster(names, { auth: false, limits: { agentWindowMs: 30_000, maxLogBytes: 2_000 } });
  const [a, b, c] = cluster.members as [Member, Member, Member];
  return { a, b, c, agent: await attach(b) };
}

const WORDS = Array.from({ length: 100 }, (_, n) => `${n} `);
const TEXT = WORDS.join('');

/** No broker hears another one for so long that links are lost. */
async function away(meanwhile: () => unknown = () => {}): Promise<void> {
  cluster.net.away(true);
  await cluster.pass(11);
  await meanwhile();
  cluster.net.away(false);
  await cluster.pass(3);
}

describe('a reader that lacks what is kept no more', () => {
  test('is closed as one that cannot keep up, and has the text by resuming', async () => {
    const { a, b, agent } = await scene();
    const own = await attach(a, 'own');
    const [host, other] = [a.connect(), b.connect()];
    const { turn, token: resume_token } = await openTurn(host, agent);
    host.post('agents.chat', { agent_id: 'own', prompt: 'hi', session_id: 't' });
    await accepting(own);
    await say(agent, turn, 1, WORDS[0] as string);
    await away(() => say(agent, turn, 2, ...WORDS.slice(1)));
    expect([host.closed, other.closed]).toEqual([4413, undefined]);
    expect(told(host)).toEqual(['1 0 ']);
    expect(own.received('agent.chat.cancel').map(({ params }) => params.reason)).toEqual(['slow_consumer']);
    const again = await ask(a.connect(), 'agents.chat.subscribe', { ...turn, session_id: 's', resume_token, after: 1 });
    expect(again.result).toMatchObject({ status: 'streaming', recovered: false, head: 100, text: TEXT });
  });

  test.each([true, false])('is answered where he asks for it himself meanwhile; by its id: %s', async (isNamed) => {
    const { a, agent } = await scene();
    const host = a.connect();
    const { turn, token: resume_token } = await openTurn(host, agent);
    await say(agent, turn, 1, WORDS[0] as string);
    let id = 0;
    await away(async () => {
      await say(agent, turn, 2, ...WORDS.slice(1));
      const by = isNamed ? { turn_id: turn.turn_id } : {};
      id = host.post('agents.chat.subscribe', { session_id: 's', after: 1, resume_token, ...by });
      await arrive();
    });
    await cluster.pass(2);
    expect(host.replyTo(id)?.result).toMatchObject({ recovered: false, head: 100, text: TEXT });
    expect(host.closed).toBeUndefined();
  });
});

describe.each(['controller', 'observer'])('a %s that has the text of what is kept no more', (role) => {
  async function reading(names: string[]) {
    const there = await scene(names);
    const { a, b, agent } = there;
    const { turn, token: resume_token } = await openTurn(b.connect(), agent);
    await say(agent, turn, 1, ...WORDS);
    const reader = a.connect();
    const asked = await ask(reader, 'agents.chat.subscribe', {
      ...turn,
      session_id: 's',
      resume_token,
      after: 3,
      role,
    });
    expect(asked.result).toMatchObject({ recovered: false, head: 100 });
    return { ...there, turn, reader };
  }

  test('reads on when the link is there again', async () => {
    const { agent, turn, reader } = await reading(['a', 'b']);
    await away();
    await say(agent, turn, 101, 'next');
    expect([reader.closed, told(reader)]).toEqual([undefined, ['101 next']]);
  });

  test('reads on where the turn moves with its agent', async () => {
    const { c, agent, turn, reader } = await reading(['a', 'b', 'c']);
    agent.cut();
    await arrive();
    const again = await attach(c);
    resume(again, { ...turn, kept_from: 101, next: 101 });
    await cluster.pass(1);
    await say(again, turn, 101, 'next');
    await cluster.pass(1);
    expect([reader.closed, told(reader)]).toEqual([undefined, ['101 next']]);
  });
});

describe('a host that asks again from an older place, and has the text of it', () => {
  async function asking(attached: (member: Member) => Promise<LinkedClient>, names = ['a', 'c', 'b']) {
    cluster = await startCluster(names, { auth: false, limits: { agentWindowMs: 10_000, maxLogBytes: 2_000 } });
    const [a, c, b] = cluster.members as [Member, Member, Member];
    // Long enough there for everybody to know who is.
    await cluster.pass(5);
    const agent = await attached(b);
    const host = a.connect();
    const opened = await openTurn(host, agent);
    await say(agent, opened.turn, 1, ...WORDS);
    const said = { ...opened.turn, session_id: 's', resume_token: opened.token, after: 3 };
    expect((await ask(host, 'agents.chat.subscribe', said)).result).toMatchObject({ recovered: false, head: 100 });
    return { ...opened, b, c, agent, host };
  }

  test('has nothing of it twice where its agent goes on elsewhere, and its broker is gone', async () => {
    const attached = async (member: Member) => {
      const agent = member.connect();
      await agent.ok('session.auth', { agent_id: 'bot', token: '', resume: true, tickets: true });
      await arrive();
      return agent;
    };
    const { b, c, agent, host, turn, ticket } = await asking(attached);
    b.kill();
    agent.cut();
    await arrive();
    const next = await attached(c);
    const id = resume(next, { ...turn, ticket, next: 101, kept_from: 1 });
    await cluster.pass(6);
    expect(rowOf(next, id).status).toBe('resumed');
    await say(next, turn, 1, ...WORDS, 'next');
    await cluster.pass(2);
    expect(told(host).slice(WORDS.length)).toEqual(['101 next']);
  });

  test('hears of its end with the next number where nobody has it any more', async () => {
    const { b, host } = await asking(attach);
    b.kill();
    await cluster.pass(60);
    expect(told(host).slice(WORDS.length)).toEqual(['101 error peer_lost']);
  });
});
