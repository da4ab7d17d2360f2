import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function three(): Promise<[Member, Member, Member]> {
  cluster = await startCluster(['a', 'b', 'c']);
  return cluster.members as [Member, Member, Member];
}

describe('agents', () => {
  test('that are registered through any broker may attach at every one, as soon as that is answered', async () => {
    const [, b, c] = await three();
    const manager = await b.manager();
    const { result } = await ask(manager, 'agents.upsert', { id: 'bot', name: 'Bot', metadata: { n: 1 } });
    expect(result.spec).toMatchObject({ id: 'bot', name: 'Bot' });
    const agent = await enter(c, { agent_id: 'bot', token: result.token });
    await arrive();
    const host = await b.host();
    expect((await ask(host, 'agents.list')).result).toMatchObject([
      { spec: { id: 'bot', name: 'Bot', metadata: { n: 1 } }, attached: true, status: 'running' },
    ]);
    expect(agent.closed).toBeUndefined();
  });

  test('are known at a broker that comes later, also while the home broker is away', async () => {
    const [a, b] = await three();
    const { token } = a.broker.upsertAgent({ id: 'bot' });
    await arrive();
    const late = await cluster.start('d');
    await arrive();
    await enter(late, { agent_id: 'bot', token });
    await cluster.close(a);
    const later = await cluster.start('e');
    await arrive();
    await enter(later, { agent_id: 'bot', token });
    await enter(b, { agent_id: 'bot', token });
    const manager = await b.manager();
    expect((await ask(manager, 'agents.upsert', { id: 'other' })).error).toMatchObject({
      code: -32011,
      data: { reason: 'cluster', broker: 'a' },
    });
  });

  test('that are removed are closed wherever they are, and let in nowhere', async () => {
    const [, b, c] = await three();
    const manager = await b.manager();
    const { token } = (await ask(manager, 'agents.upsert', { id: 'bot' })).result;
    const agent = await enter(c, { agent_id: 'bot', token });
    await arrive();
    expect((await ask(manager, 'agents.remove', { id: 'bot' })).result).toEqual({ removed: true });
    expect(agent.closed).toBe(4403);
    await expect(enter(b, { agent_id: 'bot', token })).rejects.toThrow('refused');
    expect((await ask(manager, 'agents.remove', { id: 'bot' })).result).toEqual({ removed: false });
  });

  test('that were removed while a broker could not be reached are closed there when it can be', async () => {
    const [a, , c] = await three();
    const { token } = a.broker.upsertAgent({ id: 'bot' });
    await arrive();
    const agent = await enter(c, { agent_id: 'bot', token });
    await arrive();
    // Each has heard of the others: who falls silent is dead, and nothing that it writes is told.
    await cluster.pass(2);
    cluster.net.silent.add('a');
    await cluster.pass(12);
    const manager = await a.manager();
    expect((await manager.ok('agents.remove', { id: 'bot' })).removed).toBe(true);
    cluster.net.silent.delete('a');
    await cluster.pass(6);
    expect(agent.closed).toBe(4403);
  });

  test('with a new token are let in by that alone, everywhere', async () => {
    const [, b, c] = await three();
    const manager = await b.manager();
    const first = (await ask(manager, 'agents.upsert', { id: 'bot' })).result.token;
    const second = (await ask(manager, 'agents.upsert', { id: 'bot', rotate_token: true })).result.token;
    await expect(enter(c, { agent_id: 'bot', token: first })).rejects.toThrow('refused');
    await enter(c, { agent_id: 'bot', token: second });
  });

  test('are as many as the home broker lets', async () => {
    cluster = await startCluster(['a', 'b'], { limits: { maxAgents: 1 } });
    const [, b] = cluster.members as [Member, Member];
    const manager = await b.manager();
    await ask(manager, 'agents.upsert', { id: 'one' });
    expect((await ask(manager, 'agents.upsert', { id: 'two' })).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_agents', value: 1 } },
    });
  });

  test('are the home broker’s to be changed by whoever made the brokers', async () => {
    const [, b] = await three();
    expect(() => b.broker.upsertAgent({ id: 'bot' })).toThrow('broker a keeps');
    await expect(b.broker.keys.add({ name: 'k' })).rejects.toThrow('broker a keeps');
  });
});

describe('keys', () => {
  const made = async (manager: LinkedClient, params: object) => (await ask(manager, 'keys.add', params)).result;

  test('that are made through any broker let in at every one, with their rights', async () => {
    const [, b, c] = await three();
    const manager = await b.manager();
    const { key, token } = await made(manager, { name: 'k', sub: 'ann', scopes: ['observe'] });
    await cluster.pass(1);
    expect(key).toMatchObject({ name: 'k', sub: 'ann' });
    const person = await enter(c, { token });
    expect((await ask(person, 'agents.chat', { agent_id: 'bot', prompt: 'hi' })).error).toMatchObject({ code: -32015 });
    const rows = (await ask(manager, 'keys.list')).result;
    expect(rows).toMatchObject([{ name: 'k', connections: 1, last_used_at: expect.any(String) }]);
  });

  test('that are removed end their connections and turns at every broker', async () => {
    const [, b, c] = await three();
    const agent = await c.agent('bot');
    await arrive();
    const manager = await b.manager();
    const { token } = await made(manager, { name: 'k' });
    const person = await enter(b, { token });
    person.post('agents.chat', { agent_id: 'bot', prompt: 'hi', resume_window_ms: 60_000 });
    await accepting(agent);
    expect((await ask(manager, 'keys.remove', { name: 'k' })).result).toEqual({ removed: true });
    expect(person.closed).toBe(4403);
    expect(agent.received('agent.chat.cancel').at(-1).params.reason).toBe('host_disconnected');
    await expect(enter(c, { token })).rejects.toThrow('refused');
  });

  /** The link to a broker of what the home broker has to tell is slower, or faster, than that of whoever hosts the turn. */
  test.each([
    ['the broker of the turn first', 'b'],
    ['the broker of its host first', 'c'],
  ])('that are removed end their turns in whichever order brokers hear of it: %s', async (_, late) => {
    const [a, b, c] = await three();
    const agent = await c.agent('bot');
    await arrive();
    const manager = await a.manager();
    const { token } = await made(manager, { name: 'k', sub: 'ann' });
    // The same person is here by another key, too: what waits for them goes on waiting.
    await made(manager, { name: 'other', sub: 'ann' });
    await arrive();
    const person = await enter(b, { token });
    person.post('agents.chat', { agent_id: 'bot', prompt: 'hi', resume_window_ms: 60_000 });
    await accepting(agent);
    const letGo = cluster.net.hold('a', late);
    expect((await ask(manager, 'keys.remove', { name: 'k' })).result).toEqual({ removed: true });
    letGo();
    await arrive();
    expect(person.closed).toBe(4403);
    expect(agent.received('agent.chat.cancel')).toMatchObject([{ params: { reason: 'host_disconnected' } }]);
    expect((await ask(manager, 'agents.chat.sessions')).result).toEqual({ sessions: [] });
  });

  test('that are removed end no turn of a later key of that name', async () => {
    const [a, b, c] = await three();
    const agent = await c.agent('bot');
    await arrive();
    const manager = await a.manager();
    await made(manager, { name: 'k' });
    const letGo = cluster.net.hold('a', 'c');
    await ask(manager, 'keys.remove', { name: 'k' });
    cluster.clock.increment(1);
    const { token } = await made(manager, { name: 'k' });
    const person = await enter(b, { token });
    person.post('agents.chat', { agent_id: 'bot', prompt: 'hi', resume_window_ms: 60_000 });
    const { session_id } = await accepting(agent);
    letGo();
    await arrive();
    expect(agent.received('agent.chat.cancel')).toEqual([]);
    agent.emit(session_id, { kind: 'done', text: 'x' });
    await arrive();
    expect(person.received('agents.chat.event').at(-1).params).toMatchObject({ kind: 'done' });
  });

  test('that are rotated close who came by the old token when its time is over, and no guest of theirs before', async () => {
    const [a, b, c] = await three();
    const agent = await a.agent('bot');
    await arrive();
    const manager = await b.manager();
    const { token } = await made(manager, { name: 'k' });
    const person = await enter(c, { token });
    person.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const rotated = (await ask(manager, 'keys.rotate', { name: 'k', keep_ms: 60_000 })).result;
    agent.emit(session_id, { kind: 'token', delta: 'on' });
    await arrive();
    expect(person.events('s')).toMatchObject([{ delta: 'on' }]);
    cluster.clock.increment(70_000);
    await arrive();
    expect(person.closed).toBe(4401);
    await expect(enter(a, { token })).rejects.toThrow('refused');
    await enter(a, { token: rotated.token });
  });

  test('are made within what the key of whoever makes them may do, through another broker, too', async () => {
    const [, b] = await three();
    const manager = await b.manager();
    const limited = await made(manager, { name: 'm', scopes: ['host'], fronts: ['ws'], expires_in_ms: 60_000 });
    const other = await enter(b, { host_token: limited.token });
    const outlasting = await ask(other, 'keys.add', { name: 'x', fronts: ['ws'], expires_in_ms: 600_000 });
    expect(outlasting.error).toMatchObject({ code: -32602 });
    const anyWay = await ask(other, 'keys.add', { name: 'x', expires_in_ms: 1_000 });
    expect(anyWay.error).toMatchObject({ code: -32602 });
    expect((await ask(other, 'keys.add', { name: 'x', fronts: ['ws'] })).result.key.name).toBe('x');
  });
});

test('what is secret in an answer is in no feed of either broker', async () => {
  cluster = await startCluster(['a', 'b'], { inspect: true });
  const [a, b] = cluster.members as [Member, Member];
  const watchers = [await a.manager(), await b.manager()];
  for (const watcher of watchers) await watcher.ok('inspect.subscribe', {});
  const manager = await b.manager();
  const tokens: string[] = [
    (await ask(manager, 'agents.upsert', { id: 'bot' })).result.token,
    (await ask(manager, 'keys.add', { name: 'k' })).result.token,
    (await ask(manager, 'keys.rotate', { name: 'k', keep_ms: 0 })).result.token,
  ];
  await cluster.pass(3);
  for (const watcher of watchers) {
    const heard = JSON.stringify(watcher.frames);
    expect(heard).toContain('keys.rotate');
    for (const token of tokens) expect(heard).not.toContain(token);
  }
});
