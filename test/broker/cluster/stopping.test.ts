import { afterEach, describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../../broker.ts';
import type { StopTogether } from '../../../cluster/cluster-options.ts';
import { accepting, arrive, ask, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let held: Record<string, ReturnType<typeof holding>> = {};

afterEach(async () => {
  for (const { release } of Object.values(held)) release();
  await cluster.end();
});

/** A broker's part in a stop of all. */
function holding(held: NonNullable<StopTogether['held']>) {
  let own: Parameters<StopTogether['serve']>[0] | undefined;
  let isHeld = true;
  const together: StopTogether = {
    serve: (broker) => {
      own = broker;
    },
    get held() {
      return isHeld ? held : undefined;
    },
  };
  return {
    together,
    turns: () => own?.turns(),
    release() {
      isHeld = false;
      own?.changed();
    },
  };
}

async function two(): Promise<{ a: Member; b: Member }> {
  held = { a: holding('until last'), b: holding('until drained') };
  cluster = await startCluster(['a', 'b'], { limits: { drainTimeoutMs: 10_000 } }, (name) => ({
    ...(held[name] && { together: held[name].together }),
  }));
  const [a, b] = cluster.members as [Member, Member];
  return { a, b };
}

describe('two brokers that stop together', () => {
  test('go on until neither has turns; the home broker serves the other until that is gone', async () => {
    const { a, b } = await two();
    const agent = await b.agent('bot');
    const host = await b.host();
    await arrive();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const idle = await a.host();
    const over: string[] = [];
    void a.broker.close().then(() => over.push('a'));
    void b.broker.close().then(() => over.push('b'));
    await arrive();
    expect([held.a?.turns(), held.b?.turns()]).toEqual([0, 1]);
    // The home broker has no turns, and what it keeps can be asked for, by whoever has had nothing there before.
    await cluster.pass(3);
    expect(idle.closed).toBeUndefined();
    expect((await ask(agent, 'memory.add_fact', { subject: 'sea', body: 'the sea is blue' })).error).toBeUndefined();
    expect((await ask(host, 'agents.chat', { agent_id: 'bot', prompt: 'more' })).error.code).toBe(-32021);
    agent.emit(session_id, { kind: 'done', text: '' });
    await arrive();
    expect([held.a?.turns(), held.b?.turns()]).toEqual([0, 0]);
    expect(host.closed).toBeUndefined();
    held.b?.release();
    await cluster.pass(3);
    expect([host.closed, over]).toEqual([1001, ['b']]);
    held.a?.release();
    await cluster.pass(3);
    expect([idle.closed, over]).toEqual([1001, ['b', 'a']]);
  });

  test('whose turns do not end in time › each host hears that before it is closed; home is still there', async () => {
    const { a, b } = await two();
    const agent = await a.agent('bot');
    const host = await b.host();
    await arrive();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await accepting(agent);
    void a.broker.close();
    void b.broker.close();
    await cluster.pass(12);
    expect(host.events('s').map(({ kind, code }) => [kind, code])).toEqual([['error', 'draining']]);
    expect(host.closed).toBe(1001);
    expect(agent.received('agent.chat.cancel').at(-1).params.reason).toBe('draining');
    expect(agent.closed).toBeUndefined();
    held.a?.release();
    await cluster.pass(3);
    expect(agent.closed).toBe(1001);
  });
});

test('a broker that stops alone › its hosts hear how turns elsewhere have ended before they are closed', async () => {
  held = {};
  cluster = await startCluster(['a', 'b'], { limits: { drainTimeoutMs: 5_000 } });
  const [a, b] = cluster.members as [Member, Member];
  const agent = await b.agent('bot');
  const host = await a.host();
  await arrive();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
  await accepting(agent);
  void a.broker.close();
  await cluster.pass(8);
  expect(host.events('s').map(({ kind, code, seq }) => [kind, code, seq])).toEqual([['error', 'draining', 1]]);
  expect(host.closed).toBe(1001);
  expect(agent.received('agent.chat.cancel').at(-1).params.reason).toBe('host_disconnected');
});

test('a broker that stops alone › a turn whose agent has moved away goes on there, and its host does not hear that it has failed', async () => {
  held = {};
  const limits = { drainTimeoutMs: 5_000, agentWindowMs: 30_000 };
  cluster = await startCluster(['a', 'b', 'c'], { auth: false, limits });
  const [, b, c] = cluster.members as [Member, Member, Member];
  const attach = async (member: Member) => {
    const agent = member.connect();
    await agent.ok('session.auth', { agent_id: 'bot', token: '', resume: true });
    await arrive();
    return agent;
  };
  const agent = await attach(b);
  const host = b.connect();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000 });
  const { session_id, turn_id } = await accepting(agent);
  agent.cut();
  await arrive();
  const again = await attach(c);
  again.post('agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 1 }] });
  await arrive();
  await cluster.pass(3);
  again.emit(session_id, { kind: 'token', delta: 'one', turn_id, aseq: 1 });
  await arrive();
  expect(host.events('s').at(-1)).toMatchObject({ kind: 'token', delta: 'one' });
  void b.broker.close();
  await cluster.pass(8);
  expect(host.closed).toBe(1001);
  expect(host.events('s').at(-1)).toMatchObject({ kind: 'token' });
  expect(again.received('agent.chat.cancel')).toEqual([]);
});

describe('a client that has something at another broker', () => {
  test('is audited once, where it is connected, and by its own id and address elsewhere', async () => {
    held = {};
    const notes: (AuditEntry & { by: string })[] = [];
    cluster = await startCluster(
      ['a', 'b'],
      {},
      () => ({}),
      (name) => ({
        audit: {
          note: (entry) => notes.push({ ...entry, by: name }),
          state: { written: 0, lost: 0, failures: 0, waitingBytes: 0, isWritable: true },
        },
      }),
    );
    const [a, b] = cluster.members as [Member, Member];
    const agent = await b.agent('bot');
    await arrive();
    const host = await a.host();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await accepting(agent);
    agent.emit('s', { kind: 'done', text: '' });
    await arrive();
    host.close();
    await arrive();
    const of = (what: string) => notes.filter((note) => note.what === what && note.on !== 'bot');
    const [entered, ...others] = of('session.auth');
    expect([entered?.by, others]).toEqual(['a', []]);
    expect(of('session.end').map(({ by }) => by)).toEqual(['a']);
    const { conn, ip } = entered as AuditEntry;
    expect(of('turn.open')).toMatchObject([{ by: 'b', conn, ip, who: 'local' }]);
  });

  test('counts once: among the connections of its own broker', async () => {
    held = {};
    cluster = await startCluster(['a', 'b']);
    const [a, b] = cluster.members as [Member, Member];
    const agent = await b.agent('bot');
    await arrive();
    const host = await a.host();
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    await accepting(agent);
    const manager = await b.manager();
    const { result } = await ask(manager, 'broker.status');
    expect(result.connections.total).toBe(2);
    expect(result.connections.rows.map(({ role }: { role: string }) => role).sort()).toEqual(['agent', 'host']);
    expect(result.totals.connections).toBe(2);
  });
});
