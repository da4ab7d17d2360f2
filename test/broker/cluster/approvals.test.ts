import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient } from '../../support/linked.ts';
import { pending } from '../../support/tool-scene.ts';
import { accepting, arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function three(options = {}): Promise<[Member, Member, Member]> {
  cluster = await startCluster(['a', 'b', 'c'], options);
  return cluster.members as [Member, Member, Member];
}

/** A host at the first broker, whose agent is at the second and asks for an approval. */
async function parked() {
  const [a, b, c] = await three();
  const agent = await b.agent('bot');
  await arrive();
  const host = await a.host();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
  const { session_id } = await accepting(agent);
  agent.emit(session_id, pending('x'));
  await arrive();
  return { a, b, c, host, agent };
}

const rowsOf = async (client: LinkedClient) => (await ask(client, 'host.approvals')).result.approvals;

describe('an approval that a turn elsewhere asks for', () => {
  test('is listed at every broker, with its details for whoever may answer it', async () => {
    const { a, b, c, host } = await parked();
    const managers = [await a.manager(), await b.manager(), await c.manager()];
    for (const client of [host, ...managers]) {
      const [row, ...more] = await rowsOf(client);
      expect(row).toMatchObject({ origin: 'chat', status: 'pending', details: { params: { path: '/' } } });
      expect(more).toEqual([]);
    }
    const [row] = await rowsOf(await c.host());
    expect(row.details.params).toBeUndefined();
  });

  test('is told with its details to those alone who may answer it, at every broker', async () => {
    const [a, b, c] = await three();
    const agent = await b.agent('bot');
    await arrive();
    const [host, other, manager] = [await a.host(), await a.host(), await c.manager()];
    for (const client of [host, other, manager]) {
      await client.ok('server.handshake', { protocol_version: 3 });
      await ask(client, 'host.subscribe');
    }
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    agent.emit(session_id, pending('x'));
    await arrive();
    const seen = [host, other, manager].map(
      (client) =>
        client.received('host.event').find(({ params }) => params.kind === 'approval.requested').params.payload.details
          .params,
    );
    expect(seen).toEqual([{ path: '/' }, undefined, { path: '/' }]);
  });

  test('is answered through the chat from where its host is', async () => {
    const { host, agent } = await parked();
    const id = host.post('agents.chat.approve', { session_id: 's', approval_id: 'x', decision: 'approve' });
    await arrive();
    const asked = agent.received('agent.chat.approve').at(-1);
    expect(asked.params).toMatchObject({ approval_id: 'x', decision: 'approve' });
    agent.answer(asked, { resolved: true });
    await arrive();
    expect(host.replyTo(id).result).toEqual({ resolved: true, session_id: 's' });
    const late = await ask(host, 'agents.chat.approve', { session_id: 's', approval_id: 'x', decision: 'deny' });
    expect(late.error).toMatchObject({ code: -32016, data: { resolution: 'approved' } });
  });

  test('is decided by the first of two answers, from two other brokers', async () => {
    const { a, c, agent } = await parked();
    const managers = [await a.manager(), await c.manager()] as const;
    const [{ id: approval_id }] = await rowsOf(managers[1]);
    const first = managers[1].post('host.resolve_approval', { approval_id, resolution: 'deny' });
    await arrive();
    const second = managers[0].post('host.resolve_approval', { approval_id, resolution: 'approve' });
    await arrive();
    const asked = agent.received('agent.chat.approve');
    expect(asked).toHaveLength(1);
    agent.answer(asked[0], { resolved: true });
    await arrive();
    expect(managers[1].replyTo(first).result).toMatchObject({ status: 'denied' });
    expect(managers[0].replyTo(second).error.code).toBe(-32016);
    const late = await ask(managers[0], 'host.resolve_approval', { approval_id, resolution: 'approve' });
    expect(late.error).toMatchObject({ code: -32016, data: { resolution: 'denied' } });
    const none = await ask(managers[0], 'host.resolve_approval', { approval_id: 'none', resolution: 'approve' });
    expect(none.error).toMatchObject({ code: -32016 });
    expect(none.error.data).toBeUndefined();
  });

  test('is no stranger’s to answer from another broker, nor an agent’s', async () => {
    const { c, host } = await parked();
    const [{ id: approval_id }] = await rowsOf(host);
    const other = await c.host();
    const asked = { approval_id, resolution: 'approve' };
    expect((await ask(other, 'host.resolve_approval', asked)).error.code).toBe(-32015);
    const manager = await c.manager();
    const { token } = (await ask(manager, 'keys.add', { name: 'ann' })).result;
    const ann = await enter(c, { token });
    expect((await ask(ann, 'host.resolve_approval', asked)).error.code).toBe(-32016);
    expect(await rowsOf(ann)).toEqual([]);
  });
});

test('an approval that a window asks for is that window’s own, and the managers’ of every broker', async () => {
  const [a, b] = await three();
  const window = await a.host();
  const { id: approval_id } = await window.ok('host.request_approval', { action: 'deploy', details: { n: 1 } });
  const other = await b.host();
  const asked = { approval_id, resolution: 'approve' };
  expect((await ask(other, 'host.resolve_approval', asked)).error.code).toBe(-32015);
  const manager = await b.manager();
  expect((await ask(manager, 'host.resolve_approval', asked)).result).toMatchObject({ status: 'approved' });
  expect((await ask(window, 'host.resolve_approval', asked)).error).toMatchObject({ data: { resolution: 'approved' } });
});

describe('a gate', () => {
  test('is where whoever asks is: what it lets through is carried out where it belongs', async () => {
    const [, b, c] = await three({ approvals: { methods: ['memory.add_fact', 'agents.upsert'] } });
    const asker = await b.manager();
    const id = asker.post('agents.upsert', { id: 'bot' });
    await arrive();
    expect(asker.replyTo(id)).toBeUndefined();
    const manager = await c.manager();
    const [{ id: approval_id, action }, ...more] = await rowsOf(manager);
    expect([action, more]).toEqual(['ws.method:agents.upsert', []]);
    expect((await ask(manager, 'host.resolve_approval', { approval_id, resolution: 'approve' })).result.status).toBe(
      'approved',
    );
    expect(asker.replyTo(id).result.spec.id).toBe('bot');
    const denied = asker.post('agents.upsert', { id: 'other' });
    await arrive();
    const [, row] = await rowsOf(manager);
    await ask(manager, 'host.resolve_approval', { approval_id: row.id, resolution: 'deny' });
    expect(asker.replyTo(denied).error).toMatchObject({ code: -32003, data: { reason: 'denied' } });
  });

  test('of a tool is where the agent is, and opened from where its host is', async () => {
    const [a, b] = await three({ approvals: { methods: ['tools.execute:look'] } });
    const agent = await b.agent('bot');
    await arrive();
    const host = await a.host();
    await host.ok('tools.register', [{ name: 'look', description: '', parameters: {} }]);
    host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const call = agent.post('tools.execute', { session_id, tool: 'look', parameters: {} });
    await arrive();
    expect(host.received('tools.execute')).toEqual([]);
    const pending = host.events('s').at(-1);
    expect(pending).toMatchObject({ kind: 'gate_pending' });
    const resolved = await ask(host, 'host.resolve_approval', {
      approval_id: pending.approval_id,
      resolution: 'approve',
    });
    expect(resolved.result.status).toBe('approved');
    host.answer(host.received('tools.execute').at(-1), { seen: true });
    await arrive();
    expect(agent.replyTo(call).result).toEqual({ seen: true });
  });
});
