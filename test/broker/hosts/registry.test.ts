import { describe, expect, test } from 'vitest';
import type { AgentRecord, AgentStore } from '../../../broker.ts';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';

/** A store that can be read from outside, and made to fail. */
function openStore() {
  const store = {
    kept: '[]',
    isBroken: false,
    load: () => JSON.parse(store.kept) as AgentRecord[],
    save(records: readonly AgentRecord[]) {
      if (store.isBroken) throw new Error('the disk is full: /secret/path');
      store.kept = JSON.stringify(records);
    },
  };
  return store satisfies AgentStore;
}

describe('agents.upsert › when it comes from the management role', () => {
  test('with an id alone › then an agent is there, with a token that is shown once', async () => {
    const linked = startLinked();
    const manager = await linked.manager();
    const { spec, token } = await manager.ok('agents.upsert', { id: 'echo' });
    expect(spec).toEqual({ id: 'echo', name: 'echo', capabilities: [], metadata: {} });
    await linked.connect().ok('session.auth', { agent_id: 'echo', token });
    expect(await manager.ok('agents.upsert', { id: 'echo' })).toEqual({ spec });
    expect(JSON.stringify(await manager.ok('agents.list'))).not.toContain(token);
  });

  test('with everything › then what is left out later keeps its value, and the token stays', async () => {
    const linked = startLinked();
    const manager = await linked.manager();
    const whole = { id: 'a', name: 'Anna', capabilities: ['x', 'y'], metadata: { owner: { deep: [1] } } };
    const { token } = await manager.ok('agents.upsert', whole);
    expect(await manager.ok('agents.upsert', { id: 'a', name: 'Berta' })).toEqual({
      spec: { ...whole, name: 'Berta' },
    });
    expect(await manager.ok('agents.upsert', { id: 'a', capabilities: [], rotate_token: false })).toEqual({
      spec: { ...whole, name: 'Berta', capabilities: [] },
    });
    expect(await manager.ok('agents.upsert', { id: 'a', metadata: {} })).toEqual({
      spec: { id: 'a', name: 'Berta', capabilities: [], metadata: {} },
    });
    await linked.connect().ok('session.auth', { agent_id: 'a', token });
  });

  test.each<[params: object | undefined, path: string]>([
    [undefined, 'id'],
    [{}, 'id'],
    [{ id: 7 }, 'id'],
    [{ id: '' }, 'id'],
    [{ id: 'a b' }, 'id'],
    [{ id: 'a:b' }, 'id'],
    [{ id: 'a/../b' }, 'id'],
    [{ id: 'a\n' }, 'id'],
    [{ id: 'x'.repeat(129) }, 'id'],
    [{ id: 'a', name: '' }, 'name'],
    [{ id: 'a', name: 7 }, 'name'],
    [{ id: 'a', capabilities: 'x' }, 'capabilities'],
    [{ id: 'a', capabilities: ['x', 1] }, 'capabilities.1'],
    [{ id: 'a', metadata: [] }, 'metadata'],
    [{ id: 'a', metadata: 7 }, 'metadata'],
    [{ id: 'a', rotate_token: 'yes' }, 'rotate_token'],
  ])('%j › then -32602 naming %s, and nothing is there', async (params, path) => {
    const manager = await startLinked().manager();
    const { error } = await manager.call('agents.upsert', params);
    expect(error).toMatchObject({ code: ErrorCode.InvalidParams, data: { issues: [{ path }] } });
    expect(await manager.ok('agents.list')).toEqual([]);
  });

  test.each(['a', 'x'.repeat(128), 'A.b_c-1', '..', '__proto__', 'constructor'])(
    'id %s › then it is an ordinary one',
    async (id) => {
      const linked = startLinked();
      const manager = await linked.manager();
      const { token } = await manager.ok('agents.upsert', { id });
      await linked.connect().ok('session.auth', { agent_id: id, token });
      expect(await manager.ok('agents.list')).toMatchObject([{ spec: { id }, attached: true }]);
      expect(await manager.ok('agents.remove', { id })).toEqual({ removed: true });
    },
  );

  test('beyond the limit › then -32020; known ones may still change, and a removed one makes room', async () => {
    const manager = await startLinked({ limits: { maxAgents: 2 } }).manager();
    await manager.ok('agents.upsert', { id: 'a' });
    await manager.ok('agents.upsert', { id: 'b' });
    expect((await manager.call('agents.upsert', { id: 'c' })).error).toMatchObject({
      code: ErrorCode.LimitExceeded,
      data: { limit: { name: 'max_agents', value: 2 } },
    });
    await manager.ok('agents.upsert', { id: 'b', name: 'B' });
    await manager.ok('agents.remove', { id: 'a' });
    await manager.ok('agents.upsert', { id: 'c' });
  });
});

describe('agents.remove › when it comes from the management role', () => {
  test('for an attached agent › then it is closed with 4403, its turns end, and its token is worth nothing', async () => {
    const linked = startLinked();
    const manager = await linked.manager();
    const host = await linked.host();
    const { token } = await manager.ok('agents.upsert', { id: 'echo' });
    const agent = linked.connect();
    await agent.ok('session.auth', { agent_id: 'echo', token });
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    expect(await manager.ok('agents.remove', { id: 'echo' })).toEqual({ removed: true });
    await settle();
    expect(agent.closed).toBe(CloseCode.Forbidden);
    expect(host.events()).toMatchObject([{ kind: 'error', code: 'agent_disconnected', synthesized: true }]);
    expect(await manager.ok('agents.list')).toEqual([]);
    expect((await linked.connect().call('session.auth', { agent_id: 'echo', token })).error.code).toBe(
      ErrorCode.InternalError,
    );
  });

  test('for nobody › then removed is false, the second time too', async () => {
    const manager = await startLinked().manager();
    expect(await manager.ok('agents.remove', { id: 'nobody' })).toEqual({ removed: false });
    await manager.ok('agents.upsert', { id: 'a' });
    expect(await manager.ok('agents.remove', { id: 'a' })).toEqual({ removed: true });
    expect(await manager.ok('agents.remove', { id: 'a' })).toEqual({ removed: false });
  });

  test('with a bad id › then -32602', async () => {
    const manager = await startLinked().manager();
    for (const params of [{}, { id: 1 }, { id: '/' }]) {
      expect((await manager.call('agents.remove', params)).error.code).toBe(ErrorCode.InvalidParams);
    }
  });
});

describe('agents.list › when somebody asks', () => {
  test('anybody › then every known agent is there, with its connection and its turns', async () => {
    const linked = startLinked();
    linked.broker.upsertAgent({ id: 'idle', name: 'Idle' });
    const host = await linked.host();
    const agent = await linked.agent('busy');
    await openChat(host, agent, { agent_id: 'busy', session_id: 's1' });
    await openChat(host, agent, { agent_id: 'busy', session_id: 's2' });
    const idle = { id: 'idle', name: 'Idle', capabilities: [], metadata: {} };
    const busy = { id: 'busy', name: 'busy', capabilities: [], metadata: {} };
    const rows = [
      { spec: idle, status: 'stopped', attached: false, session_id: null, turns: 0 },
      { spec: busy, status: 'running', attached: true, session_id: expect.stringMatching(/^client-/), turns: 2 },
    ];
    for (const client of [host, agent, await linked.manager()]) expect(await client.ok('agents.list')).toEqual(rows);
    agent.close();
    await settle();
    expect(await host.ok('agents.list')).toEqual([
      rows[0],
      { spec: busy, status: 'stopped', attached: false, session_id: null, turns: 0 },
    ]);
  });
});

describe('an agent store › when agents change', () => {
  test('and another broker is made of it › then they are known there, by the same token, whose hash alone is kept', async () => {
    const store = openStore();
    const first = await startLinked({ agentStore: store }).manager();
    const metadata = JSON.parse('{"__proto__":{"a":1},"b":[null]}');
    const { spec, token } = await first.ok('agents.upsert', { id: 'a', name: 'Anna', capabilities: ['x'], metadata });
    await first.ok('agents.upsert', { id: 'gone' });
    await first.ok('agents.remove', { id: 'gone' });
    expect(store.kept).not.toContain(token);

    const second = startLinked({ agentStore: store });
    const agent = second.connect();
    await agent.ok('session.auth', { agent_id: 'a', token });
    const rows = await agent.ok('agents.list');
    expect(rows.map((row: { spec: object }) => JSON.stringify(row.spec))).toEqual([JSON.stringify(spec)]);
    expect(JSON.stringify(spec.metadata)).toBe(JSON.stringify(metadata));
  });

  test('and it cannot keep them › then -32603 without its words, and nothing changed', async () => {
    const store = openStore();
    const linked = startLinked({ agentStore: store });
    const manager = await linked.manager();
    const { token } = await manager.ok('agents.upsert', { id: 'a', name: 'Anna' });
    const agent = linked.connect();
    await agent.ok('session.auth', { agent_id: 'a', token });
    const before = await manager.ok('agents.list');
    store.isBroken = true;
    for (const [method, params] of [
      ['agents.upsert', { id: 'new' }],
      ['agents.upsert', { id: 'a', name: 'Berta', rotate_token: true }],
      ['agents.remove', { id: 'a' }],
    ] as const) {
      const { error } = await manager.call(method, params);
      expect(error).toEqual({ code: ErrorCode.InternalError, message: 'internal error' });
    }
    expect(await manager.ok('agents.list')).toEqual(before);
    expect(agent.closed).toBeUndefined();
    await linked.connect().ok('session.auth', { agent_id: 'a', token });
    store.isBroken = false;
    await manager.ok('agents.upsert', { id: 'new' });
  });

  test('and one is ephemeral › then it is known, and never handed over', async () => {
    const store = openStore();
    const linked = startLinked({ agentStore: store });
    const { token } = linked.broker.upsertAgent({ id: 'demo' }, { ephemeral: true });
    const manager = await linked.manager();
    await manager.ok('agents.upsert', { id: 'kept' });
    await linked.connect().ok('session.auth', { agent_id: 'demo', token });
    expect((await manager.ok('agents.list')).map((row: { spec: { id: string } }) => row.spec.id)).toEqual([
      'demo',
      'kept',
    ]);
    expect(store.load().map((record) => record.id)).toEqual(['kept']);
    expect(await manager.ok('agents.remove', { id: 'demo' })).toEqual({ removed: true });
    expect(store.load().map((record) => record.id)).toEqual(['kept']);
  });

  test('and it cannot be read › then no broker is made, and the embedder hears why', () => {
    const broken: AgentStore = {
      load: () => {
        throw new Error('unreadable');
      },
      save: () => {},
    };
    expect(() => startLinked({ agentStore: broken })).toThrow('unreadable');
  });
});
