import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, ask, attach, type Member, startCluster } from './support/brokers.ts';

/* Turns that are asked for at another broker than theirs: who has the one that is meant. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function three(): Promise<[Member, Member, Member]> {
  // Who they are is not what is tested here.
  cluster = await startCluster(['a', 'b', 'c'], { auth: false, limits: { agentWindowMs: 60_000 } });
  return cluster.members as [Member, Member, Member];
}

const WINDOW = { resume_window_ms: 60_000 };

/** Opens a chat that may be resumed, and gives what it was answered. */
async function open(host: LinkedClient, agent: LinkedClient, params = {}) {
  const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's', ...WINDOW, ...params });
  const { session_id } = await accepting(agent);
  return { session_id, ...host.replyTo(id).result };
}

const kinds = (client: LinkedClient) => client.events('s').map(({ kind, seq, delta }) => [kind, seq, delta]);

describe('a turn that nobody has', () => {
  test('is said to be none at once, where all brokers are there', async () => {
    const [a] = await three();
    // A broker that has just come may have turns on their way to it.
    await cluster.pass(1);
    const host = a.connect();
    const answer = await ask(host, 'agents.chat.subscribe', { session_id: 's' });
    expect(answer.error).toMatchObject({ code: -32014 });
  });

  test('is waited for while a broker is missing, and found when that is back', async () => {
    const [a, b] = await three();
    const agent = await attach(b);
    const { resume_token, turn_id } = await open(b.connect(), agent);
    cluster.net.silent.add('b');
    await cluster.pass(12);
    const host = a.connect();
    const id = host.post('agents.chat.subscribe', { session_id: 's', resume_token });
    await cluster.pass(2);
    expect(host.replyTo(id)).toBeUndefined();
    cluster.net.silent.delete('b');
    await cluster.pass(3);
    expect(host.replyTo(id).result).toMatchObject({ turn_id, status: 'streaming' });
  });
});

describe('a session that has turns at several brokers', () => {
  /** One that has ended at the first broker, where the agent was then. */
  async function ended() {
    const [a, b, c] = await three();
    const first = await attach(a);
    const host = a.connect();
    const old = await open(host, first);
    first.emit(old.session_id, { kind: 'done', text: 'old', aseq: 1 });
    await arrive();
    first.close();
    await arrive();
    const agent = await attach(b);
    return { a, b, c, host, agent, old };
  }

  test('is its live turn, though an older one is known at the broker that is asked', async () => {
    const { a, host, agent, old } = await ended();
    const { session_id, turn_id, resume_token } = await open(host, agent);
    agent.emit(session_id, { kind: 'token', delta: 'new', aseq: 1 });
    await arrive();
    const other = a.connect();
    const found = await ask(other, 'agents.chat.subscribe', { session_id: 's', resume_token });
    expect(found.result).toMatchObject({ turn_id, status: 'streaming' });
    agent.emit(session_id, { kind: 'done', text: 'new', aseq: 2 });
    await arrive();
    expect(kinds(other)).toEqual([
      ['token', 1, 'new'],
      ['done', 2, undefined],
    ]);
    const named = { session_id: 's', turn_id: old.turn_id, resume_token: old.resume_token };
    expect((await ask(other, 'agents.chat.subscribe', named)).result.status).toBe('done');
  });

  test('is the one that ended last, where none is live, whoever is asked', async () => {
    const { a, b, c, host, agent } = await ended();
    const { session_id, turn_id, resume_token } = await open(host, agent);
    agent.emit(session_id, { kind: 'done', text: 'new', aseq: 1 });
    await arrive();
    for (const member of [a, b, c]) {
      const client = member.connect();
      const found = await ask(client, 'agents.chat.subscribe', { session_id: 's', resume_token });
      expect(found.result).toMatchObject({ turn_id, status: 'done' });
      // Taken up once: its end is told once.
      expect(kinds(client)).toEqual([['done', 1, undefined]]);
    }
  });
});

describe('the link to a turn’s broker is lost, and there is one again', () => {
  async function lost(turnOf: (member: Member) => LinkedClient, watch: (host: LinkedClient) => Promise<void>) {
    const [a, b] = await three();
    const agent = await attach(b);
    const opened = await open(turnOf(b), agent);
    const reader = await a.manager();
    await watch(reader);
    const emit = (delta: string, aseq: number) =>
      agent.emit(opened.session_id, { kind: 'token', delta, aseq, turn_id: opened.turn_id });
    emit('one', 1);
    await arrive();
    cluster.net.silent.add('b');
    await cluster.pass(12);
    emit('two', 2);
    await arrive();
    cluster.net.silent.delete('b');
    await cluster.pass(5);
    emit('three', 3);
    await arrive();
    expect(kinds(reader)).toEqual([
      ['token', 1, 'one'],
      ['token', 2, 'two'],
      ['token', 3, 'three'],
    ]);
  }

  test.each(['observer', 'controller'])(
    'is read on by its %s, who has no token, and is let by a role',
    async (role) => {
      await lost(
        (b) => b.connect(),
        async (reader) => {
          expect((await ask(reader, 'agents.chat.subscribe', { session_id: 's', role })).error).toBeUndefined();
        },
      );
    },
  );
});

test('a turn that has gone from its host’s own broker is read on when the link is lost there, too', async () => {
  const [a, b] = await three();
  const first = await attach(a);
  const host = a.connect();
  const { session_id, turn_id } = await open(host, first);
  first.cut();
  await arrive();
  const agent = await attach(b);
  const resumed = agent.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 1 }] });
  await arrive();
  expect(agent.replyTo(resumed).result.turns[0].status).toBe('resumed');
  await cluster.pass(3);
  agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
  await arrive();
  cluster.net.silent.add('b');
  await cluster.pass(12);
  cluster.net.silent.delete('b');
  await cluster.pass(5);
  agent.emit(session_id, { kind: 'done', text: 'one', turn_id, aseq: 2 });
  await arrive();
  expect(kinds(host).filter(([, seq]) => seq !== undefined)).toEqual([
    ['token', 1, 'one'],
    ['done', 2, undefined],
  ]);
});

describe('a chat that is sent again with its token', () => {
  const token = (letter: string) => letter.repeat(40);
  const chat = (resume_token: string, more = {}) => ({
    agent_id: 'bot',
    prompt: 'hi',
    session_id: 's',
    ...WINDOW,
    resume_token,
    ...more,
  });

  /** Its turn has ended at the second broker, and the agent is at the third now. */
  async function moved() {
    const [a, b, c] = await three();
    const first = await attach(b);
    const host = a.connect();
    const { turn_id, session_id } = await open(host, first, { resume_token: token('x') });
    first.emit(session_id, { kind: 'done', text: 'all', aseq: 1 });
    await arrive();
    first.close();
    await arrive();
    const agent = await attach(c);
    return { a, b, c, agent, turn_id };
  }

  test.each(['a', 'b', 'c'])('is answered as it was, at %s, though its agent has moved since', async (at) => {
    const { agent, turn_id } = await moved();
    const again = (cluster.members.find(({ name }) => name === at) as Member).connect();
    const answer = await ask(again, 'agents.chat', chat(token('x')));
    expect(answer.result).toMatchObject({ accepted: true, resumed: true, turn_id, status: 'done' });
    expect(kinds(again)).toEqual([['done', 1, undefined]]);
    expect(agent.received('agent.chat')).toEqual([]);
    const other = await ask(again, 'agents.chat', chat(token('x'), { prompt: 'another' }));
    expect(other.error).toMatchObject({ code: -32602 });
  });

  test('is answered as it was also when the session has been somebody else’s since', async () => {
    const { a, b, agent, turn_id } = await moved();
    const host = b.connect();
    const next = await open(host, agent, { resume_token: token('y') });
    agent.emit(next.session_id, { kind: 'done', text: 'next', aseq: 1 });
    await arrive();
    agent.close();
    await arrive();
    const last = await attach(a);
    for (const [letter, turn] of [
      ['x', turn_id],
      ['y', next.turn_id],
    ] as const) {
      const answer = await ask(a.connect(), 'agents.chat', chat(token(letter)));
      expect(answer.result).toMatchObject({ resumed: true, turn_id: turn });
    }
    expect(last.received('agent.chat')).toEqual([]);
    const id = host.post('agents.chat', chat(token('z')));
    await accepting(last);
    expect(host.replyTo(id).result.resumed).toBeUndefined();
    // What was told of one another is known still.
    expect((await ask(b.connect(), 'agents.chat', chat(token('x')))).result).toMatchObject({ turn_id });
  });

  test('opens a new turn when the old one is forgotten', async () => {
    const { b, agent } = await moved();
    await cluster.pass(6 * 60);
    const host = b.connect();
    const id = host.post('agents.chat', chat(token('x')));
    await accepting(agent);
    expect(host.replyTo(id).result).toMatchObject({ accepted: true });
    expect(host.replyTo(id).result.resumed).toBeUndefined();
  });

  test('joins its turn where that is live at another broker', async () => {
    const [a, b, c] = await three();
    const first = await attach(b);
    const { turn_id } = await open(a.connect(), first, { resume_token: token('x') });
    first.cut();
    await arrive();
    // The agent is there again, and has not said yet what it goes on with.
    const agent = await attach(c);
    const again = await ask(c.connect(), 'agents.chat', chat(token('x')));
    expect(again.result).toMatchObject({ resumed: true, turn_id });
    expect(agent.received('agent.chat')).toEqual([]);
  });
});

describe('a chat that is to wait for its session', () => {
  async function busy() {
    const [a, b, c] = await three();
    const [bot, other] = [await attach(b), await attach(c, 'other')];
    return { a, b, c, bot, other };
  }

  test.each(['a', 'b', 'c'])(
    'starts where its agent is when the turn at another broker has ended; its host is at %s',
    async (at) => {
      const { bot, other } = await busy();
      const host = (cluster.members.find(({ name }) => name === at) as Member).connect();
      const { session_id } = await open(host, bot, {});
      const chat = { prompt: 'next', session_id: 's', on_busy: 'queue' };
      const second = host.post('agents.chat', { ...chat, agent_id: 'other' });
      const third = host.post('agents.chat', { ...chat, agent_id: 'bot', prompt: 'last' });
      await arrive();
      expect([host.replyTo(second), host.replyTo(third)]).toEqual([undefined, undefined]);
      expect(other.received('agent.chat')).toEqual([]);
      bot.emit(session_id, { kind: 'done', text: '', aseq: 1 });
      await arrive();
      const asked = await accepting(other);
      expect(host.replyTo(second).result).toMatchObject({ accepted: true, session_id: 's' });
      expect(bot.received('agent.chat')).toHaveLength(1);
      other.emit(asked.session_id, { kind: 'done', text: '', aseq: 1 });
      await arrive();
      await accepting(bot);
      expect(bot.lastChat().params.prompt).toBe('last');
      expect(host.replyTo(third).result).toMatchObject({ accepted: true });
    },
  );

  test('replaces the turn at another broker', async () => {
    const { a, bot, other } = await busy();
    const host = a.connect();
    await open(host, bot);
    const id = host.post('agents.chat', { agent_id: 'other', prompt: 'x', session_id: 's', on_busy: 'replace' });
    await accepting(other);
    expect(bot.received('agent.chat.cancel').at(-1).params.reason).toBe('replaced');
    expect(host.replyTo(id).result).toMatchObject({ accepted: true });
  });

  test('is no stranger’s to have wait', async () => {
    const { a, c, bot } = await busy();
    await open(a.connect(), bot);
    const chat = { agent_id: 'other', prompt: 'x', session_id: 's' };
    expect((await ask(c.connect(), 'agents.chat', { ...chat, on_busy: 'queue' })).error.code).toBe(-32015);
    expect((await ask(c.connect(), 'agents.chat', chat)).error.code).toBe(-32010);
  });

  test('waits too where a broker has made the session’s id', async () => {
    const { a, c, bot } = await busy();
    const host = a.connect();
    const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi' });
    await accepting(bot);
    const { session_id } = host.replyTo(id).result;
    const chat = { agent_id: 'other', prompt: 'x', session_id };
    expect((await ask(host, 'agents.chat', chat)).error.code).toBe(-32010);
    expect((await ask(c.connect(), 'agents.chat', chat)).error.code).toBe(-32010);
  });

  test('opens a turn once the broker that had one is dead', async () => {
    const { a, b, bot, other } = await busy();
    await open(b.connect(), bot);
    const host = a.connect();
    cluster.net.silent.add('b');
    await cluster.pass(1);
    const id = host.post('agents.chat', { agent_id: 'other', prompt: 'x', session_id: 's' });
    await arrive();
    expect(other.received('agent.chat')).toEqual([]);
    for (let at = 0; at < 15 && !other.lastChat(); at += 1) await cluster.pass(1);
    await accepting(other);
    expect(host.replyTo(id).result).toMatchObject({ accepted: true });
  });
});
