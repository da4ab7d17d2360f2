import { afterEach, describe, expect, test, vi } from 'vitest';
import { Cluster } from '../../../actors/cluster/cluster.ts';
import { PeerLink } from '../../../link/peer-link.ts';
import { create } from '../../support/surfaces.ts';
import { accepting, arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

/* What is neither a turn nor an approval, with whoever asks and whoever has it at different brokers. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function three(options = {}): Promise<[Member, Member, Member]> {
  cluster = await startCluster(['a', 'b', 'c'], options);
  return cluster.members as [Member, Member, Member];
}

describe('lists', () => {
  test('of sessions have the turns of all brokers, each with the id of its host’s connection', async () => {
    const [a, b, c] = await three();
    const [one, two] = [await b.agent('one'), await c.agent('two')];
    await arrive();
    const host = await a.host();
    const { client_id } = await host.ok('server.handshake', { protocol_version: 3 });
    host.post('agents.chat', { agent_id: 'one', prompt: 'hi', session_id: 's1' });
    await accepting(one);
    host.post('agents.chat', { agent_id: 'two', prompt: 'hi', session_id: 's2' });
    await accepting(two);
    const manager = await b.manager();
    const { sessions } = (await ask(manager, 'agents.chat.sessions')).result;
    expect(sessions.map((row: { session_id: string }) => row.session_id).sort()).toEqual(['s1', 's2']);
    expect(new Set(sessions.map((row: { host_client_id: string }) => row.host_client_id)).size).toBe(1);
    if (client_id !== undefined) expect(sessions[0].host_client_id).toBe(client_id);
    expect((await ask(host, 'agents.chat.sessions')).result.sessions).toHaveLength(2);
  });

  test('of what hosts and agents have registered are the same at all brokers', async () => {
    const [a, b, c] = await three();
    const agent = await b.agent('bot');
    await arrive();
    const window = await a.host();
    await ask(window, 'host.register_agent', { id: 'w', name: 'Window', kind: 'window' });
    const own = await ask(agent, 'host.register_agent', { id: 'bot', name: 'Bot', kind: 'llm', capabilities: ['x'] });
    expect(own.result).toMatchObject({ id: 'bot', kind: 'llm' });
    for (const member of [a, b, c]) {
      const rows = (await ask(await member.host(), 'host.agents')).result;
      expect(rows.map((row: { id: string; kind: string }) => [row.id, row.kind]).sort()).toEqual([
        ['bot', 'llm'],
        ['w', 'window'],
      ]);
    }
    const other = await c.host();
    expect((await ask(other, 'host.register_agent', { id: 'w', name: 'x', kind: 'x' })).error.code).toBe(-32015);
    expect((await ask(other, 'host.register_agent', { id: 'bot', name: 'x', kind: 'x' })).error.code).toBe(-32015);
  });

  test('of recorded turns are of all brokers, page by page, the newest first', async () => {
    const [a, b] = await three({ record: {} });
    const agents = [await a.agent('one'), await b.agent('two')] as const;
    await arrive();
    const host = await a.host();
    for (let at = 0; at < 6; at += 1) {
      host.post('agents.chat', { agent_id: at % 2 === 0 ? 'one' : 'two', prompt: `p${at}`, session_id: `s${at}` });
      const agent = agents[at % 2] as (typeof agents)[number];
      const { session_id } = await accepting(agent);
      agent.emit(session_id, { kind: 'done' });
      await cluster.pass(1);
    }
    const manager = await b.manager();
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 5; page += 1) {
      const { result } = await ask(manager, 'inspect.turns', { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      expect(result.kept.turns).toBe(6);
      seen.push(...result.turns.map((row: { prompt: string }) => row.prompt));
      cursor = result.cursor;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(['p5', 'p4', 'p3', 'p2', 'p1', 'p0']);
    const [newest] = (await ask(manager, 'inspect.turns', { limit: 1 })).result.turns;
    for (const member of [a, b])
      expect((await ask(await member.manager(), 'inspect.turn', { turn_id: newest.turn_id })).result.turn.prompt).toBe(
        'p5',
      );
  });
});

test('facts of an agent are known wherever it is; those of another connection end with it', async () => {
  const [a, b, c] = await three();
  const manager = await a.manager();
  const { token } = (await ask(manager, 'agents.upsert', { id: 'bot' })).result;
  const first = await enter(b, { agent_id: 'bot', token });
  await arrive();
  expect((await ask(first, 'memory.add_fact', { subject: 'sea', body: 'the sea is blue' })).error).toBeUndefined();
  first.close();
  await arrive();
  const second = await enter(c, { agent_id: 'bot', token });
  await arrive();
  expect((await ask(second, 'memory.query', { query: 'sea' })).result.facts).toMatchObject([
    { body: 'the sea is blue' },
  ]);
  const window = await b.host();
  await ask(window, 'memory.add_fact', { subject: 'me', body: 'mine alone' });
  expect((await ask(window, 'memory.fact_count')).result).toBe(1);
  await cluster.close(a);
  expect((await ask(window, 'memory.fact_count')).result).toBe(1);
  expect((await ask(second, 'memory.fact_count')).error).toMatchObject({ code: -32011, data: { reason: 'cluster' } });
});

test('a goal that is set at one broker stands for a turn at another, and is cleared at all', async () => {
  const [a, b, c] = await three();
  const agent = await b.agent('bot');
  await arrive();
  const host = await a.host();
  await ask(host, 'goal.set', { session_id: 's', check: 'all green', max_iterations: 3 });
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
  const { session_id } = await accepting(agent);
  expect(agent.lastChat().params.goal).toMatchObject({ check: 'all green', max_iterations: 3 });
  expect((await ask(host, 'goal.status', { session_id: 's' })).result.goal.status).toBe('running');
  await cluster.pass(1);
  agent.emit(session_id, { kind: 'goal_evaluated', iteration: 1, met: true, grounded: true, reason: 'ok' });
  agent.emit(session_id, { kind: 'done' });
  await arrive();
  const other = await c.host();
  expect((await ask(other, 'goal.status', { session_id: 's' })).result.goal.status).toBe('met');
  await cluster.pass(1);
  expect((await ask(other, 'goal.clear', { session_id: 's' })).result.cleared).toBe(true);
  expect((await ask(host, 'goal.status', { session_id: 's' })).result.goal).toBeNull();
  const late = await cluster.start('d');
  await arrive();
  expect((await ask(await late.host(), 'goal.status', { session_id: 's' })).result.goal).toBeNull();
});

describe('surfaces', () => {
  test('of an agent are in the room of its turn’s owner, and seen from every broker', async () => {
    const [a, b, c] = await three();
    const agent = await b.agent('bot');
    const manager = await a.manager();
    const { token } = (await ask(manager, 'keys.add', { name: 'ann' })).result;
    const [ann, again, stranger] = [await enter(a, { token }), await enter(c, { token }), await c.host()];
    expect((await ask(again, 'a2ui/subscribe')).result).toEqual({ subscribed: true });
    ann.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const made = agent.post('a2ui.apply', { ...create('form'), session_id });
    // What a surface may be is read from the disk at first.
    await vi.waitFor(() => expect(agent.replyTo(made)).toBeDefined(), { timeout: 30_000 });
    expect(agent.replyTo(made)).toMatchObject({ result: { deleted: false } });
    await cluster.pass(1);
    for (const client of [ann, again]) {
      const rows = (await ask(client, 'a2ui.surfaces')).result;
      expect(rows).toMatchObject([{ surfaceId: 'form' }]);
    }
    expect(again.received('a2ui.event').at(-1).params.result).toMatchObject({ surfaceId: 'form' });
    expect((await ask(stranger, 'a2ui.surfaces')).result).toEqual([]);
    expect((await ask(agent, 'a2ui.apply', { ...create('x'), session_id: 'none' })).error.code).toBe(-32014);
    const forged = {
      ...create('x'),
      session_id: 'none',
      _meta: { 'switchboard/room': { tenant: 'default', sub: 'ann' } },
    };
    expect((await ask(agent, 'a2ui.apply', forged)).error.code).toBe(-32014);
  });

  test('are heard of again when the home broker is back, by all but who cannot be asked for', async () => {
    const [a, b] = await three();
    const [leaving, watcher] = [await b.host(), await b.host()];
    for (const client of [leaving, watcher])
      expect((await ask(client, 'a2ui/subscribe')).result).toEqual({ subscribed: true });
    cluster.net.away(true);
    await cluster.pass(15);
    // As of one that is closing.
    const asking = vi.spyOn(Cluster.prototype, 'extensionOf').mockImplementationOnce(() => undefined);
    cluster.net.away(false);
    await cluster.pass(3);
    expect(asking.mock.calls.map(([, peer]) => peer)).toEqual(['a', 'a']);
    asking.mockRestore();
    const [agent, host] = [await a.agent('bot'), await a.host()];
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const made = agent.post('a2ui.apply', { ...create('form'), session_id });
    await vi.waitFor(() => expect(agent.replyTo(made)).toBeDefined(), { timeout: 30_000 });
    await cluster.pass(1);
    expect(watcher.received('a2ui.event').at(-1).params.result).toMatchObject({ surfaceId: 'form' });
  });
});

test('who may use which agents by an embedder’s function is told to another broker where it has changed, not with each request', async () => {
  const mayUse = (id: string) => id !== 'secret';
  const [a, b] = await three({
    auth: ({ agentId }: { agentId?: string }) => (agentId === undefined ? { sub: 'ann', mayUse } : { agentId }),
  });
  const attach = async (agent_id: string) => {
    await b.connect().ok('session.auth', { agent_id, token: 'any' });
    await arrive();
  };
  await attach('bot');
  const person = a.connect();
  await person.ok('session.auth', { token: 'any' });
  const sending = vi.spyOn(PeerLink.prototype, 'send');
  const asks = async () => {
    expect((await ask(person, 'agents.chat.cancel', { session_id: 'none' })).error.code).toBe(-32014);
    const bodies = sending.mock.calls.flatMap(([entry]) =>
      entry.kind === 'request' && entry.method === 'identity' ? [JSON.parse(entry.body)] : [],
    );
    return bodies.map(({ identity }) => identity.agents);
  };
  try {
    expect(await asks()).toEqual([]);
    expect(await asks()).toEqual([]);
    await attach('another');
    const told = [['another', 'bot']];
    // To each of the two others.
    expect(await asks()).toEqual([...told, ...told]);
    await attach('secret');
    expect(await asks()).toHaveLength(2);
  } finally {
    sending.mockRestore();
  }
});

test('broker.status tells of all brokers', async () => {
  const [, b] = await three();
  await cluster.pass(2);
  const manager = await b.manager();
  const { cluster: told } = (await ask(manager, 'broker.status')).result;
  expect(told).toMatchObject({ id: 'b', home: 'a', connected: true });
  expect(
    told.brokers.map((row: { id: string; status: string; link: boolean }) => [row.id, row.status, row.link]),
  ).toEqual([
    ['a', 'alive', true],
    ['c', 'alive', true],
  ]);
});
