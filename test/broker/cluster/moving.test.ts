import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, ask, attach, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function scene(names = ['a', 'b', 'c']) {
  // Who they are is not what is tested here.
  cluster = await startCluster(names, { auth: false, limits: { agentWindowMs: 30_000 } });
  const [a, b, c] = cluster.members as [Member, Member, Member];
  const agent = await attach(b);
  return { a, b, c, agent };
}

async function open(host: LinkedClient, agent: LinkedClient) {
  const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000 });
  const asked = await accepting(agent);
  return { ...asked, result: host.replyTo(id).result };
}

const seqs = (host: LinkedClient) => host.events('s').map(({ kind, seq, delta }) => [kind, seq, delta]);

describe('a turn whose agent comes back at another broker', () => {
  test.each(['a', 'b', 'c'])('goes on there, and its host at %s reads on', async (at) => {
    const { b, c, agent } = await scene();
    const host = (cluster.members.find(({ name }) => name === at) as Member).connect();
    const { session_id, turn_id } = await open(host, agent);
    agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
    agent.emit(session_id, { kind: 'status', text: 'x', turn_id, aseq: 2 });
    await arrive();
    agent.cut();
    await arrive();
    const again = await attach(c);
    const resumed = again.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 3 }] });
    await arrive();
    cluster.clock.increment(150);
    await arrive();
    expect(again.replyTo(resumed).result.turns).toEqual([{ turn_id, status: 'resumed', after: 2, released: 2 }]);
    again.emit(session_id, { kind: 'token', delta: 'two', turn_id, aseq: 3 });
    again.emit(session_id, { kind: 'done', text: 'onetwo', turn_id, aseq: 4 });
    await arrive();
    cluster.clock.increment(2_500);
    await arrive();
    expect(seqs(host).filter(([, seq]) => seq !== undefined)).toEqual([
      ['token', 1, 'one'],
      ['status', 2, undefined],
      ['token', 3, 'two'],
      ['done', 4, undefined],
    ]);
    expect((await b.connect().call('agents.chat.sessions')).result).toEqual({ sessions: [] });
  });
});

describe('a turn that has moved away from its host’s own broker', () => {
  test('is read on when the link to where it is was lost, and is there again', async () => {
    const { b, c, agent } = await scene();
    const host = b.connect();
    const { session_id, turn_id } = await open(host, agent);
    agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
    await arrive();
    agent.cut();
    await arrive();
    const again = await attach(c);
    const resumed = again.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 2 }] });
    await cluster.pass(1);
    expect(again.replyTo(resumed).result.turns[0].status).toBe('resumed');
    again.emit(session_id, { kind: 'token', delta: 'two', turn_id, aseq: 2 });
    await cluster.pass(1);
    cluster.net.away(true);
    await cluster.pass(15);
    cluster.net.away(false);
    await cluster.pass(4);
    again.emit(session_id, { kind: 'done', text: 'onetwo', turn_id, aseq: 3 });
    await cluster.pass(1);
    expect(seqs(host).filter(([, seq]) => seq !== undefined)).toEqual([
      ['token', 1, 'one'],
      ['token', 2, 'two'],
      ['done', 3, undefined],
    ]);
  });
});

describe('the newest connection of an agent', () => {
  test('wins over one at another broker, and the turn goes with it', async () => {
    const { a, c, agent } = await scene();
    const host = a.connect();
    const { session_id, turn_id } = await open(host, agent);
    const again = await attach(c);
    expect(agent.closed).toBe(4409);
    const resumed = again.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 1 }] });
    await arrive();
    expect(again.replyTo(resumed).result.turns[0].status).toBe('resumed');
    cluster.clock.increment(150);
    await arrive();
    again.emit(session_id, { kind: 'done', text: '', turn_id, aseq: 1 });
    await arrive();
    expect(host.events('s').at(-1)).toMatchObject({ kind: 'done', seq: 1 });
  });
});

describe('a host that resumes at another broker', () => {
  test('has all that it missed', async () => {
    const { a, c, agent } = await scene();
    const host = a.connect();
    const { session_id, turn_id, result } = await open(host, agent);
    agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
    await arrive();
    host.cut();
    await arrive();
    agent.emit(session_id, { kind: 'token', delta: 'two', turn_id, aseq: 2 });
    await arrive();
    const next = c.connect();
    const id = next.post('agents.chat.subscribe', { session_id: 's', after: 1, resume_token: result.resume_token });
    await arrive();
    expect(next.replyTo(id).result).toMatchObject({ status: 'streaming', head: 2, recovered: true });
    agent.emit(session_id, { kind: 'done', text: 'onetwo', turn_id, aseq: 3 });
    await arrive();
    expect(seqs(next)).toEqual([
      ['token', 2, 'two'],
      ['done', 3, undefined],
    ]);
  });
});

describe('a chat whose agent has gone a moment ago', () => {
  test('waits, and is asked where that comes back', async () => {
    const { a, c, agent } = await scene();
    const host = a.connect();
    agent.cut();
    await arrive();
    const id = host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await arrive();
    expect(host.replyTo(id)).toBeUndefined();
    const again = await attach(c);
    await accepting(again);
    expect(host.replyTo(id).result).toMatchObject({ accepted: true, session_id: 's' });
  });
});

describe('a session whose id its caller chose', () => {
  test('has one live turn in the whole cluster', async () => {
    const { a, b, c, agent } = await scene();
    const other = a.connect();
    await other.ok('session.auth', { agent_id: 'other' });
    await arrive();
    await open(b.connect(), agent);
    const second = c.connect();
    const chat = { agent_id: 'other', prompt: 'hi', session_id: 's' };
    const refused = second.post('agents.chat', chat);
    for (let times = 0; times < 3; times += 1) {
      await arrive();
      cluster.clock.increment(60);
    }
    await arrive();
    expect(second.replyTo(refused).error.code).toBe(-32010);
    agent.emit(agent.lastChat().params.session_id, { kind: 'done', text: '', aseq: 1 });
    await arrive();
    const taken = second.post('agents.chat', chat);
    await accepting(other);
    expect(second.replyTo(taken).result.accepted).toBe(true);
  });

  test('can be cancelled in the same breath as it is opened', async () => {
    const { b, agent } = await scene();
    const host = b.connect();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const id = host.post('agents.chat.cancel', { session_id: 's', grace_ms: 0 });
    await arrive();
    expect(host.replyTo(id).result).toEqual({ cancelled: true, session_id: 's' });
    expect(agent.received('agent.chat.cancel')).toHaveLength(1);
  });
});

describe('a turn that has moved twice before its reader has found it', () => {
  test('is found all the same, and nothing is told twice', async () => {
    const { a, b, c, agent } = await scene();
    const host = b.connect();
    const { session_id, turn_id } = await open(host, agent);
    agent.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
    await arrive();
    agent.cut();
    await arrive();
    let latest = agent;
    for (const member of [c, a, c]) {
      latest.cut();
      latest = await attach(member);
      const id = latest.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 2 }] });
      await arrive();
      expect(latest.replyTo(id).result.turns[0].status).toBe('resumed');
    }
    for (let times = 0; times < 4; times += 1) {
      cluster.clock.increment(1_000);
      await arrive();
    }
    latest.emit(session_id, { kind: 'token', delta: 'two', turn_id, aseq: 2 });
    latest.emit(session_id, { kind: 'done', text: 'onetwo', turn_id, aseq: 3 });
    await arrive();
    expect(seqs(host).filter(([, seq]) => seq !== undefined)).toEqual([
      ['token', 1, 'one'],
      ['token', 2, 'two'],
      ['done', 3, undefined],
    ]);
  });
});

describe('a turn of an agent that is here by a newer connection', () => {
  test('stays, whoever asks for it by an older one', async () => {
    const { b, c, agent } = await scene();
    const host = b.connect();
    const { session_id, turn_id } = await open(host, agent);
    agent.cut();
    await arrive();
    const older = await attach(c);
    const newest = await attach(b);
    expect(older.closed).toBe(4409);
    const id = newest.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 1 }] });
    await arrive();
    expect(newest.replyTo(id).result.turns[0].status).toBe('resumed');
    newest.emit(session_id, { kind: 'done', text: '', turn_id, aseq: 1 });
    await arrive();
    expect(host.events('s').at(-1)).toMatchObject({ kind: 'done' });
    expect(newest.closed).toBeUndefined();
  });
});

describe('the claim by which brokers read on', () => {
  test('takes nothing over for a client that says it', async () => {
    const { a, agent } = await scene();
    const host = a.connect();
    const { session_id, turn_id, result } = await open(host, agent);
    const other = a.connect();
    const { resume_token } = result;
    const said = { session_id: 's', turn_id, resume_token, claim: '\u0000the same host' };
    other.post('agents.chat.subscribe', said);
    await arrive();
    // It is the host now, and has given no claim: whoever comes unless somebody has taken it over is refused.
    const refused = host.post('agents.chat.subscribe', { ...said, claim: 'mine', unless_taken: true });
    await arrive();
    expect(host.replyTo(refused).error).toMatchObject({ data: { reason: 'taken_over' } });
    agent.emit(session_id, { kind: 'done', text: '', turn_id, aseq: 1 });
    await arrive();
    expect(other.events('s').at(-1)).toMatchObject({ kind: 'done' });
  });
});

describe('a turn that nobody knows while a broker is missing', () => {
  test('is looked for until all were asked that are there again', async () => {
    cluster = await startCluster(['a', 'b']);
    const { clock, net, pass, members } = cluster;
    const host = await (members[0] as Member).manager();
    net.silent.add('b');
    await pass(6);
    const asked = { session_id: 's', turn_id: 'turn-1', resume_token: 'r'.repeat(43), after: 0 };
    const id = host.post('agents.chat.subscribe', asked);
    await pass(3);
    net.silent.delete('b');
    const isLinked = async () => (await ask(host, 'broker.status')).result.cluster.brokers[0].link;
    while (!(await isLinked())) {
      clock.increment(50);
      await arrive();
    }
    clock.increment(500);
    await arrive();
    expect(host.replyTo(id)).toBeUndefined();
    await pass(2);
    expect(host.replyTo(id)?.error).toMatchObject({ code: -32014 });
  });
});
