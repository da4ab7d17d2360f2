import { afterEach, expect, test, vi } from 'vitest';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { create } from '../../support/surfaces.ts';
import { accepting, arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

/* What people say and ask at one broker, and others hear and see at another one. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function three(options = {}): Promise<[Member, Member, Member]> {
  cluster = await startCluster(['a', 'b', 'c'], options);
  return cluster.members as [Member, Member, Member];
}

/** Hears of events from now on. */
async function listening(client: LinkedClient): Promise<LinkedClient> {
  await client.ok('server.handshake', { protocol_version: 3 });
  await ask(client, 'host.subscribe');
  return client;
}

const heard = (client: LinkedClient): Message[] => client.received('host.event').map(({ params }) => params);

test('host.notify is heard at every broker, once, and is in what each tells of before', async () => {
  const [a, b, c] = await three();
  const readers = [await listening(await a.host()), await listening(await b.host()), await listening(await c.host())];
  const window = await b.host();
  await window.ok('host.notify', { kind: 'build.done', message: 'green', payload: { n: 1 } });
  await arrive();
  for (const reader of readers) {
    expect(heard(reader)).toMatchObject([{ kind: 'build.done', message: 'green', payload: { n: 1 } }]);
    const { events } = (await ask(reader, 'host.events', { limit: 5 })).result;
    expect(events.filter(({ kind }: Message) => kind === 'build.done')).toHaveLength(1);
  }
});

test('host.request_approval is heard, listed and decided at another broker, and its raiser hears of it', async () => {
  const [a, b, c] = await three();
  const raiser = await listening(await b.host());
  const manager = await listening(await c.manager());
  const { id } = await raiser.ok('host.request_approval', { action: 'deploy', details: { to: 'prod' } });
  await arrive();
  expect(heard(manager)).toMatchObject([{ kind: 'approval.requested', payload: { details: { to: 'prod' } } }]);
  for (const member of [a, b, c]) {
    const { approvals } = (await ask(await member.manager(), 'host.approvals')).result;
    expect(approvals).toMatchObject([{ id, status: 'pending', action: 'deploy' }]);
  }
  const decided = await ask(manager, 'host.resolve_approval', { approval_id: id, resolution: 'approve' });
  expect(decided.result).toMatchObject({ id, status: 'approved' });
  await arrive();
  expect(heard(raiser).at(-1)).toMatchObject({ kind: 'approval.resolved', payload: { id, status: 'approved' } });
  // One that its raiser leaves is withdrawn, everywhere.
  const next = await raiser.ok('host.request_approval', { action: 'again' });
  raiser.cut();
  await arrive();
  const { approvals } = (await ask(manager, 'host.approvals')).result;
  expect(approvals.find((row: Message) => row.id === next.id).status).toBe('withdrawn');
});

test('what a window has registered is changed by it alone, wherever it is, and told everywhere', async () => {
  const [a, b, c] = await three();
  const window = await b.host();
  const reader = await listening(await c.host());
  await ask(window, 'host.register_agent', { id: 'w', name: 'Window', kind: 'window' });
  const set = { agent_id: 'w', status: 'running', current_task: 'builds' };
  expect((await ask(window, 'host.set_status', set)).result).toMatchObject({ id: 'w', status: 'running' });
  expect((await ask(await a.host(), 'host.set_status', set)).error.code).toBe(-32015);
  for (const member of [a, b, c])
    expect((await ask(await member.host(), 'host.agents')).result).toMatchObject([{ id: 'w', current_task: 'builds' }]);
  expect((await ask(await c.host(), 'host.unregister_agent', { agent_id: 'w' })).error.code).toBe(-32015);
  expect((await ask(window, 'host.unregister_agent', { agent_id: 'w' })).result).toEqual({ ok: true });
  expect(heard(reader).map(({ kind }) => kind)).toEqual([
    'agent.registered',
    'agent.status_changed',
    'agent.unregistered',
  ]);
  await ask(window, 'host.register_agent', { id: 'w', name: 'Window', kind: 'window' });
  window.cut();
  await arrive();
  expect((await ask(await a.host(), 'host.agents')).result).toEqual([]);
});

test('an agent elsewhere says how it does, and is listed so at every broker', async () => {
  const [a, b, c] = await three();
  const agent = await b.agent('bot');
  await arrive();
  await ask(agent, 'host.register_agent', { id: 'bot', name: 'Bot', kind: 'llm' });
  await ask(agent, 'host.set_status', { agent_id: 'bot', status: 'waiting_for_approval' });
  for (const member of [a, b, c])
    expect((await ask(await member.host(), 'host.agents')).result).toMatchObject([
      { id: 'bot', name: 'Bot', status: 'waiting_for_approval' },
    ]);
});

test('tools that a host takes back are not called from another broker any more', async () => {
  const [a, b] = await three();
  const agent = await b.agent('bot');
  await arrive();
  const host = await a.host();
  await host.ok('session.init', { tools: [{ name: 'look' }] });
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
  const { session_id } = await accepting(agent);
  expect(agent.lastChat().params.context.tools.map(({ name }: Message) => name)).toEqual(['look']);
  await ask(host, 'tools.register', [{ name: 'touch' }]);
  await ask(host, 'tools.unregister', { name: 'look' });
  const call = agent.post('tools.execute', { session_id, tool: 'touch', parameters: { x: 1 } });
  await arrive();
  // Who is slow is asked to stop.
  agent.notify('tools.cancel', { id: call });
  await arrive();
  expect(host.received('tools.cancel').at(-1).params).toMatchObject({ reason: 'agent_withdrew' });
  expect((await ask(agent, 'tools.execute', { session_id, tool: 'look', parameters: {} })).error.code).toBe(-32019);
  expect((await ask(host, 'tools.list')).result).toMatchObject({ count: 1, tools: [{ name: 'touch' }] });
});

test('who watches a turn at another broker hears no more of it once it has said so', async () => {
  const [, b, c] = await three();
  const agent = await b.agent('bot');
  await arrive();
  const host = await b.host();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 1_000 });
  const { session_id } = await accepting(agent);
  const manager = await c.manager();
  expect((await ask(manager, 'agents.chat.subscribe', { session_id: 's', role: 'observer' })).error).toBeUndefined();
  agent.emit(session_id, { kind: 'token', delta: 'one' });
  await arrive();
  const left = await ask(manager, 'agents.chat.unsubscribe', { session_id: 's' });
  expect(left.result).toEqual({ session_id: 's', unsubscribed: true });
  agent.emit(session_id, { kind: 'token', delta: 'two' });
  await arrive();
  expect(manager.events('s').map(({ delta }) => delta)).toEqual(['one']);
  expect(host.events('s').map(({ delta }) => delta)).toEqual(['one', 'two']);
});

test('goals are set, shown and cleared from any broker', async () => {
  const [a, b, c] = await three();
  const [one, two, third] = [await a.host(), await b.host(), await c.host()];
  await ask(one, 'goal.set', { session_id: 's', check: 'first' });
  await cluster.pass(1);
  expect((await ask(two, 'goal.status', { session_id: 's' })).result.goal.check).toBe('first');
  await ask(two, 'goal.set', { session_id: 's', check: 'second' });
  await cluster.pass(1);
  for (const client of [one, two, third])
    expect((await ask(client, 'goal.status', { session_id: 's' })).result.goal.check).toBe('second');
  expect((await ask(third, 'goal.clear', { session_id: 's' })).result.cleared).toBe(true);
  await cluster.pass(1);
  for (const client of [one, two, third])
    expect((await ask(client, 'goal.status', { session_id: 's' })).result.goal).toBeNull();
});

test('facts of an agent are asked for, counted and deleted from any broker', async () => {
  const [a, b, c] = await three();
  const { token } = (await ask(await a.manager(), 'agents.upsert', { id: 'bot' })).result;
  const first = await enter(b, { agent_id: 'bot', token });
  await arrive();
  expect((await ask(first, 'memory.add_fact', { subject: 'x', body: 'one' })).result).toBe(1);
  expect((await ask(first, 'memory.add_fact', { subject: 'y', body: 'two' })).result).toBe(2);
  first.close();
  await arrive();
  const second = await enter(c, { agent_id: 'bot', token });
  await arrive();
  const [fact] = (await ask(second, 'memory.query', { query: 'one' })).result.facts;
  expect((await ask(second, 'memory.delete', { id: fact.id })).result.removed).toBeTruthy();
  expect((await ask(second, 'memory.fact_count')).result).toBe(1);
});

test('a surface that one broker’s window makes is seen, used and gone at another one', async () => {
  const [, b, c] = await three();
  const [maker, user] = [await b.host(), await c.host()];
  await ask(user, 'a2ui/subscribe');
  const settled = async (client: LinkedClient, method: string, params: unknown): Promise<Message> => {
    const id = client.post(method, params);
    // What a surface may be is read from the disk at first.
    await vi.waitFor(() => expect(client.replyTo(id)).toBeDefined(), { timeout: 60_000 });
    await arrive();
    return client.replyTo(id);
  };
  expect((await settled(maker, 'a2ui.apply', create('form'))).error).toBeUndefined();
  for (const client of [maker, user]) {
    expect((await ask(client, 'a2ui.get', { surfaceId: 'form' })).result).toMatchObject({ surfaceId: 'form' });
    expect((await ask(client, 'a2ui/replay', { surfaceId: 'form' })).result).toMatchObject({ surfaceId: 'form' });
  }
  const action = { name: 'go', surfaceId: 'form', sourceComponentId: 'root', timestamp: '2026-01-01T00:00:00Z' };
  const acted = await settled(user, 'a2ui.action', { ...action, context: {} });
  expect(acted.error).toBeUndefined();
  expect(user.received('a2ui.event').map(({ params }) => params.kind)).toEqual(['a2ui.surface_updated', 'a2ui.action']);
  expect(
    (await settled(maker, 'a2ui.apply', { version: 'v0.9', deleteSurface: { surfaceId: 'form' } })).error,
  ).toBeUndefined();
  expect((await ask(user, 'a2ui.surfaces')).result).toEqual([]);
  expect((await ask(user, 'a2ui.reap')).result).toEqual({ removed: [] });
  expect(user.received('a2ui.event').at(-1).params.kind).toBe('a2ui.surface_deleted');
  expect((await ask(user, 'a2ui/unsubscribe')).result).toEqual({ subscribed: false });
  await settled(maker, 'a2ui.apply', create('next'));
  expect(user.received('a2ui.event').at(-1).params.kind).toBe('a2ui.surface_deleted');
});
