import { describe, expect, test } from 'vitest';
import { statusResult } from '../../../protocol/status.ts';
import { StubbornLink, startInternals } from '../../support/internals.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { pending, startToolScene } from '../../support/tool-scene.ts';

describe('broker.status › when somebody asks', () => {
  test('who has not the host role › then -32601', async () => {
    const { host, agent } = await startToolScene();
    for (const client of [host, agent]) expect((await client.call('broker.status')).error.code).toBe(-32601);
  });

  test.each([0, 1001, 1.5, '7'])('for %s rows › then -32602', async (connections_limit) => {
    const manager = await startLinked().manager();
    const { error } = await manager.call('broker.status', { connections_limit });
    expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'connections_limit' }] } });
  });

  test('while things go on › then it is told what is open, and how often what happened', async () => {
    const { linked, host, agent, execute } = await startToolScene();
    const manager = await linked.manager();
    await execute();
    agent.emit('s', { kind: 'token', delta: 'x' });
    agent.emit('s', { kind: 'token', delta: 'x' });
    agent.emit('s', pending('a'));
    agent.emit('nope', { kind: 'token', delta: 'x' });
    await openChat(host, agent, { agent_id: 'echo', session_id: 'ended' });
    agent.emit('ended', { kind: 'done', finish_reason: 'stop' });
    linked.broker.upsertAgent({ id: 'away' });
    await linked.advance(5_000);
    const status = statusResult.parse(await manager.ok('broker.status'));
    expect(status).toMatchObject({
      version: linked.broker.version,
      pid: process.pid,
      started_at: 0,
      uptime_ms: 5_000,
      state: 'accepting',
      inspect: false,
      agents: { known: 2, attached: 1 },
      turns: { dispatching: 0, streaming: 0, parked: 1, detached: 0, cancelling: 0 },
      callbacks_pending: 1,
      approvals_pending: 1,
      totals: { connections: 3, turns: 2, events: 4, tokens: 2, tokens_merged: 0 },
      events: { token: 2, approval_pending: 1, done: 1 },
      endings: { done: 1 },
      drops: { unknown_session: 1 },
      queue_bytes: { total: 0, max: 0 },
      inspect_watchers: 0,
    });
    expect(status.totals.requests).toBeGreaterThan(3);
    expect(status.memory.rss).toBeGreaterThan(status.memory.heap_used);
    const { total, rows } = status.connections;
    expect(total).toBe(3);
    expect(rows.map(({ role, agent_id, turns, tools }) => [role, agent_id, turns, tools])).toEqual([
      ['host', null, 0, 0],
      ['agent', 'echo', 1, 0],
      ['client', null, 1, 1],
    ]);
    linked.broker.close();
    await settle();
    expect((await manager.ok('broker.status')).state).toBe('draining');
  });

  test('one connection is asked for › then it comes alone, with whose it is and what it offers; of one that is gone nothing does', async () => {
    const { linked, host } = await startToolScene();
    const manager = await linked.manager();
    const all = statusResult.parse(await manager.ok('broker.status'));
    const { client_id } = all.connections.rows.find(({ role }) => role === 'client') ?? {};
    expect(all.connections.rows.every((row) => row.tool_names === undefined)).toBe(true);
    await host.ok('tools.register', [{ name: 'paint' }, { name: 'and' }]);
    const one = async () => statusResult.parse(await manager.ok('broker.status', { client_id })).connections;
    expect(await one()).toMatchObject({
      total: 3,
      rows: [
        {
          client_id,
          role: 'client',
          principal: { sub: 'local', tenant: 'default' },
          tool_names: expect.arrayContaining(['and', 'paint']),
          pending_calls: 0,
        },
      ],
    });
    host.close();
    await settle();
    expect(await one()).toEqual({ total: 2, rows: [] });
  });

  test('with many connections › then those that most waits for come first, then the newest, as many as were asked for', async () => {
    const internals = startInternals();
    const manager = await internals.manager();
    const links = [0, 300, 0, 500].map((waiting) => {
      const link = new StubbornLink();
      link.waitingBytes = waiting;
      internals.open(link);
      return link;
    });
    const ids = [...internals.state.clients.keys()];
    const { connections, queue_bytes } = await manager.ok('broker.status', { connections_limit: 4 });
    expect(queue_bytes).toEqual({ total: 800, max: 500 });
    expect(connections.total).toBe(links.length + 1);
    expect(connections.rows.map((row: { client_id: string }) => ids.indexOf(row.client_id))).toEqual([4, 2, 3, 1]);
    expect(connections.rows[0]).toMatchObject({ role: 'unauthenticated', waiting_bytes: 500, via: 'memory' });
  });

  test('after many events › then their times through the broker are known', async () => {
    const { linked, agent } = await startToolScene();
    const manager = await linked.manager();
    expect((await manager.ok('broker.status')).routing_ms).toEqual({ p50: 0, p99: 0, max: 0, samples: 0 });
    for (let n = 0; n < 640; n += 1) agent.emit('s', { kind: 'token', delta: 'x' });
    await settle();
    const { routing_ms } = await manager.ok('broker.status');
    expect(routing_ms.samples).toBe(10);
    expect(routing_ms.p50).toBeGreaterThan(0);
    expect(routing_ms.p50).toBeLessThanOrEqual(routing_ms.p99);
    expect(routing_ms.p99).toBeLessThanOrEqual(routing_ms.max);
  });
});
