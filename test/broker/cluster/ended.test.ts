import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BrokerOptions } from '../../../broker.ts';
import type { LinkedClient } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { accepting, arrive, ask, attach, enter, type Member, startCluster } from './support/brokers.ts';
import { EndedBook } from './support/ended-book.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let book: EndedBook;

beforeEach(() => {
  book = new EndedBook();
});
afterEach(async () => {
  vi.useRealTimers();
  book.before = async () => {};
  await cluster.end();
});

const TOKEN = 'a-secret-that-the-host-has-chosen-itself';
const CHAT = { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000 };

async function scene(options: BrokerOptions = {}) {
  const limits = { agentWindowMs: 30_000, ...options.limits };
  cluster = await startCluster(['a', 'b', 'c'], { auth: false, ...options, limits }, () => ({
    endedTurns: book.store(),
  }));
  const [a, b, c] = cluster.members as [Member, Member, Member];
  return { a, b, c };
}

/** A turn that has ended at the agent's broker, which then is gone. */
async function ended(
  host: LinkedClient,
  owner: Member,
  agent: LinkedClient,
  more: object = {},
  deltas = ['one', 'two'],
) {
  const id = host.post('agents.chat', { ...CHAT, ...more });
  await arrive();
  const { session_id, turn_id } = await accepting(agent);
  const { resume_token } = host.replyTo(id).result;
  deltas.forEach((delta, at) => {
    agent.emit(session_id, { kind: 'token', delta, turn_id, aseq: at + 1 });
  });
  agent.emit(session_id, { kind: 'done', text: '', turn_id, aseq: deltas.length + 1 });
  await arrive();
  await vi.waitFor(async () => expect((await readMetric(owner.broker, 'cluster_ended_turns_total')).kept).toBe(1));
  await cluster.close(owner);
  return { session_id, turn_id, resume_token };
}

const told = (host: LinkedClient) => host.events().map(({ kind, seq, delta }) => [kind, seq, delta]);

/** Asks what may be looked for, and lets time pass until it is answered. */
async function answered(client: LinkedClient, method: string, params: object) {
  const id = client.post(method, params);
  for (let seconds = 0; seconds < 40 && !client.replyTo(id); seconds += 1) {
    await arrive();
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!client.replyTo(id)) cluster.clock.increment(1_000);
  }
  return client.replyTo(id);
}

describe('a turn that has ended at a broker which is gone', () => {
  test.each([true, false])('is read at another one, with its id: %s', async (isNamed) => {
    const { a, b, c } = await scene();
    const turn = await ended(a.connect(), b, await attach(b));
    for (const after of [0, 1]) {
      const host = c.connect();
      const { resume_token, turn_id } = turn;
      const said = { session_id: 's', ...(isNamed && { turn_id }), resume_token, after };
      const { result } = await answered(host, 'agents.chat.subscribe', said);
      expect(result).toMatchObject({ status: 'done', turn_id, agent_id: 'bot', head: 3, recovered: true });
      await arrive();
      expect(told(host)).toEqual(
        [
          ['token', 1, 'one'],
          ['token', 2, 'two'],
          ['done', 3, undefined],
        ].slice(after),
      );
    }
    // Once it is there nobody asks for it again.
    expect(book.asked.get(turn.turn_id)).toBe(1);
  });

  test('comes as it was kept: half a character, and the text of what was too long', async () => {
    const { a, b, c } = await scene({ limits: { maxLogBytes: 2_000 } });
    const deltas = ['\ud83d', '\ude00', ...Array.from({ length: 60 }, (_, at) => `${at} `)];
    const { resume_token, turn_id } = await ended(a.connect(), b, await attach(b), {}, deltas);
    const host = c.connect();
    const { result } = await answered(host, 'agents.chat.subscribe', { session_id: 's', turn_id, resume_token });
    expect(result).toMatchObject({ status: 'done', head: 63, recovered: false, text: deltas.join('') });
    await arrive();
    expect(told(host)).toEqual([['done', 63, undefined]]);
  });

  test('is nobody’s who could not have had it where it has ended', async () => {
    const { a, b, c } = await scene({ auth: true });
    const manager = await a.manager();
    const tokenOf = async (name: string, more: object = {}) =>
      (await ask(manager, 'keys.add', { name, ...more })).result.token;
    const [ann, bob, eve] = [await tokenOf('ann'), await tokenOf('bob'), await tokenOf('eve', { scopes: ['observe'] })];
    const agent = await b.agent('bot', { resume: true });
    await arrive();
    const { resume_token, turn_id, session_id } = await ended(await enter(a, { token: ann }), b, agent);
    expect([...book.kept.values()].some((bytes) => Buffer.from(bytes).includes(resume_token))).toBe(false);
    // For another person there is no such turn, whatever they know of it.
    const stranger = await enter(c, { token: bob });
    for (const named of ['s', session_id]) {
      const said = { session_id: named, turn_id, resume_token };
      expect((await answered(stranger, 'agents.chat.subscribe', said)).error.code).toBe(-32014);
    }
    const again = { ...CHAT, resume_token: TOKEN };
    expect((await answered(stranger, 'agents.chat', again)).error.code).toBe(-32011);
    expect(await readMetric(c.broker, 'ended_turns_kept')).toEqual({});
    // Its owner needs no token: their connection is gone with its broker.
    const own = { session_id: 's', turn_id };
    expect((await answered(await enter(c, { token: ann }), 'agents.chat.subscribe', own)).result.status).toBe('done');
    // Whoever sees it by their role may watch it by its agent's name, and no more than that.
    const seen = { session_id, turn_id };
    const watcher = await enter(a, { token: eve });
    expect((await answered(watcher, 'agents.chat.subscribe', seen)).error.code).toBe(-32015);
    const watched = await answered(watcher, 'agents.chat.subscribe', { ...seen, role: 'observer' });
    expect(watched.result.status).toBe('done');
  });

  test('is not opened again by whoever sends the same chat: with its agent elsewhere, and without', async () => {
    const { a, b, c } = await scene();
    const chat = { ...CHAT, resume_token: TOKEN };
    const { turn_id } = await ended(a.connect(), b, await attach(b), { resume_token: TOKEN });
    const alone = await answered(a.connect(), 'agents.chat', chat);
    expect(alone.result).toMatchObject({ accepted: true, resumed: true, turn_id, status: 'done', resume_token: TOKEN });
    const agent = await attach(c);
    const host = a.connect();
    // In the same breath: it waits for the answer to the first.
    const cancel = host.post('agents.chat', chat) && host.post('agents.chat.cancel', { session_id: 's' });
    await arrive();
    expect(host.replyTo(1).result).toMatchObject({ resumed: true, turn_id });
    expect(told(host).at(-1)).toEqual(['done', 3, undefined]);
    expect(host.replyTo(cancel).error.code).toBe(-32014);
    expect(agent.received('agent.chat')).toEqual([]);
    const other = await answered(a.connect(), 'agents.chat', { ...chat, prompt: 'another' });
    expect(other.error).toMatchObject({ code: -32602, data: { issues: [{ path: 'prompt' }] } });
    // With another secret it is another turn.
    host.post('agents.chat', { ...chat, resume_token: `${TOKEN}-2` });
    expect((await accepting(agent)).turn_id).not.toBe(turn_id);
  });

  test('is over for its agent, which names it at another one', async () => {
    const { a, b, c } = await scene();
    const agent = await attach(b);
    const { turn_id, session_id } = await ended(a.connect(), b, agent);
    const again = await attach(c);
    const turns = [turn_id, 'turn-0'].map((id) => ({ turn_id: id, session_id, kept_from: 1, next: 4 }));
    const { result } = await answered(again, 'agent.resume', { turns });
    expect(result.turns.map(({ status }: { status: string }) => status)).toEqual(['ended', 'unknown']);
  });

  test('comes to its end for a host that was reading it elsewhere, once', async () => {
    const { a, b } = await scene();
    const agent = await attach(b);
    const host = a.connect();
    host.post('agents.chat', CHAT);
    const { session_id, turn_id } = await accepting(agent);
    agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
    await arrive();
    // It ends there, and nothing of that is heard any more.
    cluster.net.silent.add('b');
    agent.emit(session_id, { kind: 'token', delta: 'two', turn_id, aseq: 2 });
    agent.emit(session_id, { kind: 'done', text: '', turn_id, aseq: 3 });
    await vi.waitFor(() => expect(book.kept.has(turn_id)).toBe(true));
    await cluster.pass(20);
    expect(told(host)).toEqual([
      ['token', 1, 'one'],
      ['token', 2, 'two'],
      ['done', 3, undefined],
    ]);
    await cluster.pass(40);
    expect(told(host)).toHaveLength(3);
  });

  test('can be resumed for as long as where it has ended, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { a, b, c } = await scene();
    const { resume_token, turn_id } = await ended(a.connect(), b, await attach(b));
    const pass = async (ms: number) => {
      vi.setSystemTime(Date.now() + ms);
      cluster.clock.increment(ms);
      await arrive();
    };
    const subscribe = () => answered(c.connect(), 'agents.chat.subscribe', { session_id: 's', turn_id, resume_token });
    await pass(4 * 60_000);
    expect((await subscribe()).result.status).toBe('done');
    await pass(61_000);
    expect((await subscribe()).error.code).toBe(-32014);
  });
});

describe('ended turns that nobody keeps or finds', () => {
  test('are as if there were no such place, and are tried again and counted', async () => {
    const { a, b, c } = await scene();
    book.before = () => Promise.reject(new Error('away'));
    const agent = await attach(b);
    const host = a.connect();
    const id = host.post('agents.chat', { ...CHAT, resume_token: TOKEN });
    await arrive();
    const { session_id, turn_id } = await accepting(agent);
    expect(host.replyTo(id).result.accepted).toBe(true);
    agent.emit(session_id, { kind: 'done', text: '', turn_id, aseq: 1 });
    await cluster.pass(4);
    expect(told(host)).toEqual([['done', 1, undefined]]);
    expect(await readMetric(b.broker, 'cluster_ended_turns_total')).toEqual({ failed: 1 });
    expect(await readMetric(b.broker, 'cluster_ended_turns_waiting_bytes')).toEqual({});
    await cluster.close(b);
    const said = { session_id: 's', turn_id, resume_token: TOKEN };
    expect((await answered(c.connect(), 'agents.chat.subscribe', said)).error.code).toBe(-32014);
    expect((await readMetric(c.broker, 'cluster_ended_turns_sought_total')).failed).toBeGreaterThan(0);
    book.isConnected = false;
    const asked = book.asked.size;
    expect((await answered(c.connect(), 'agents.chat.subscribe', said)).error.code).toBe(-32014);
    expect(book.asked.size).toBe(asked);
  });

  test('are looked for by turns: many that one connection asks for keep nobody else waiting', async () => {
    const { c } = await scene();
    await cluster.pass(2);
    const held: (() => void)[] = [];
    book.before = () => new Promise((resolve) => void held.push(resolve));
    const [greedy, other] = [c.connect(), c.connect()];
    const subscribe = (host: LinkedClient, n: number) =>
      host.post('agents.chat.subscribe', { session_id: 's', turn_id: `turn-${n}` });
    const asked = Array.from({ length: 100 }, (_, n) => subscribe(greedy, n));
    await arrive();
    const own = subscribe(other, 100);
    for (let times = 0; times < 200 && !other.replyTo(own); times += 1) {
      await arrive();
      for (const go of held.splice(0)) go();
      cluster.clock.increment(50);
    }
    expect(other.replyTo(own)?.error.code).toBe(-32014);
    const answered = asked.filter((id) => greedy.replyTo(id));
    expect(answered.length).toBeLessThan(20);
    book.before = async () => {};
    for (const go of held.splice(0)) go();
    await arrive();
  });

  test('do not fill the memory of their broker: what is too much is not kept', async () => {
    const { b } = await scene();
    let go = () => {};
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    book.before = () => gone;
    const agent = await attach(b);
    // Of each 4 MB: eight are all that may wait.
    const delta = 'x'.repeat(2_000_000);
    for (let at = 0; at < 9; at += 1) {
      const host = b.connect();
      host.post('agents.chat', { ...CHAT, session_id: `s${at}` });
      const { session_id, turn_id } = await accepting(agent);
      host.cut();
      for (const aseq of [1, 2]) agent.emit(session_id, { kind: 'token', delta, turn_id, aseq });
      agent.emit(session_id, { kind: 'done', text: '', turn_id, aseq: 3 });
      await arrive();
    }
    const waiting = (await readMetric(b.broker, 'cluster_ended_turns_waiting_bytes'))[''];
    expect(waiting).toBeGreaterThan(30_000_000);
    expect(waiting).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(await readMetric(b.broker, 'cluster_ended_turns_total')).toEqual({ dropped: 1 });
    go();
    await vi.waitFor(
      async () => expect((await readMetric(b.broker, 'cluster_ended_turns_total')).kept).toBe(8),
      30_000,
    );
    expect(await readMetric(b.broker, 'cluster_ended_turns_waiting_bytes')).toEqual({});
  });
});
