import { describe, expect, test } from 'vitest';
import { type AgentRecord, type AgentStore, ErrorCode } from '../../../broker.ts';
import { type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';

/** A store that keeps when it is told to. */
function slowStore() {
  const saves: { ids: string[]; records: AgentRecord[]; keep(): Promise<void>; fail(): Promise<void> }[] = [];
  const store: AgentStore = {
    load: () => [],
    save: (records) =>
      new Promise((resolve, reject) => {
        saves.push({
          ids: records.map(({ id }) => id),
          records: [...records],
          keep: () => {
            resolve();
            return settle();
          },
          fail: () => {
            reject(new Error('the disk is full: secret words'));
            return settle();
          },
        });
      }),
  };
  return { store, saves };
}

/** Asks, and gives what will have been answered. */
function ask(client: LinkedClient, method: string, params: object): () => Message {
  const id = client.post(method, params);
  return () => client.replyTo(id);
}

const internal = { code: ErrorCode.InternalError, message: 'internal error' };

describe('an agent store that takes its time › when agents change', () => {
  test('› then one save runs at a time, the next has all that came meanwhile, and each is answered by its own', async () => {
    const { store, saves } = slowStore();
    const manager = await startLinked({ agentStore: store }).manager();
    const ids = Array.from({ length: 500 }, (_, i) => `a${i}`);
    const posted = ids.map((id) => manager.post('agents.upsert', { id }));
    await settle();
    expect(saves.map((save) => save.ids)).toEqual([['a0']]);
    // Others are served meanwhile, and it is known already.
    expect(await manager.ok('agents.list')).toHaveLength(500);
    const answered = () => posted.filter((id) => manager.frames.some((frame) => frame.id === id)).length;
    expect(answered()).toBe(0);
    await saves[0]?.keep();
    expect(answered()).toBe(1);
    expect(saves.map((save) => save.ids.length)).toEqual([1, 500]);
    await saves[1]?.keep();
    expect(answered()).toBe(500);
    expect(saves).toHaveLength(2);
  });

  test('and a save fails › then it and all that came meanwhile are refused, and are as they were', async () => {
    const { store, saves } = slowStore();
    const linked = startLinked({ agentStore: store });
    const manager = await linked.manager();
    const [making] = ['a', 'b'].map((id) => ask(manager, 'agents.upsert', { id, name: `old ${id}` }));
    await settle();
    await saves[0]?.keep();
    await saves[1]?.keep();
    const { result } = making?.() ?? {};
    const agent = linked.connect();
    await agent.ok('session.auth', { agent_id: 'a', token: result.token });
    const before = await manager.ok('agents.list');

    const failing = [
      ask(manager, 'agents.upsert', { id: 'a', name: 'new', rotate_token: true }),
      ask(manager, 'agents.remove', { id: 'a' }),
      ask(manager, 'agents.upsert', { id: 'a', name: 'newer' }),
      ask(manager, 'agents.remove', { id: 'b' }),
      ask(manager, 'agents.remove', { id: 'b' }),
      ask(manager, 'agents.upsert', { id: 'c' }),
    ];
    await settle();
    await saves[2]?.fail();
    for (const answer of failing) expect(answer().error).toEqual(internal);
    const byId = (rows: { spec: { id: string } }[]) => Object.fromEntries(rows.map((row) => [row.spec.id, row]));
    expect(byId(await manager.ok('agents.list'))).toEqual(byId(before));
    expect(agent.closed).toBeUndefined();
    const again = linked.connect();
    await again.ok('session.auth', { agent_id: 'a', token: result.token });

    // And the next is tried as if there had been none.
    const next = ask(manager, 'agents.remove', { id: 'a' });
    await settle();
    expect(saves.slice(3).map((save) => save.ids)).toEqual([['b']]);
    await saves[3]?.keep();
    expect(next().result).toEqual({ removed: true });
    expect(again.closed).toBe(4403);
  });

  test('and a removed agent is made anew meanwhile › then the old connection goes, and the new token is good', async () => {
    const { store, saves } = slowStore();
    const linked = startLinked({ agentStore: store });
    const manager = await linked.manager();
    const made = ask(manager, 'agents.upsert', { id: 'a' });
    await settle();
    await saves[0]?.keep();
    const old = linked.connect();
    await old.ok('session.auth', { agent_id: 'a', token: made().result.token });
    const removing = ask(manager, 'agents.remove', { id: 'a' });
    const making = ask(manager, 'agents.upsert', { id: 'a' });
    await settle();
    await saves[1]?.keep();
    expect(removing().result).toEqual({ removed: true });
    expect(old.closed).toBe(4403);
    await saves[2]?.keep();
    const { token } = making().result;
    await linked.connect().ok('session.auth', { agent_id: 'a', token });
  });

  test('and it never ends › then so many wait, and no more', async () => {
    const { store } = slowStore();
    const manager = await startLinked({ agentStore: store, limits: { maxPendingRequests: 3 } }).manager();
    for (const id of ['a', 'b', 'c']) manager.post('agents.upsert', { id });
    for (const [method, params] of [
      ['agents.upsert', { id: 'd' }],
      ['agents.remove', { id: 'a' }],
    ] as const) {
      const { error } = await manager.call(method, params);
      expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_pending_requests', value: 3 } } });
    }
    const rows = await manager.ok('agents.list');
    expect(rows.map((row: { spec: { id: string } }) => row.spec.id)).toEqual(['a', 'b', 'c']);
  });

  test('by the embedder › then it is known at once, and the end waits until it is kept', async () => {
    const { store, saves } = slowStore();
    const linked = startLinked({ agentStore: store });
    const { token } = linked.broker.upsertAgent({ id: 'a' });
    linked.broker.upsertAgent({ id: 'b' });
    linked.broker.upsertAgent({ id: 'demo' }, { ephemeral: true });
    await linked.connect().ok('session.auth', { agent_id: 'a', token });
    let isClosed = false;
    const closing = linked.broker.close().then(() => {
      isClosed = true;
    });
    await linked.advance(10_000);
    expect(isClosed).toBe(false);
    await saves[0]?.keep();
    await saves[1]?.keep();
    expect(saves.map((save) => save.ids)).toEqual([['a'], ['a', 'b']]);
    await closing;
  });
});

describe('known agents › when they have as much as all may have together', () => {
  test('› then -32020, and what makes one smaller is taken', async () => {
    const manager = await startLinked({ limits: { maxKnownAgentBytes: 1_000 } }).manager();
    await manager.ok('agents.upsert', { id: 'a', metadata: { text: 'x'.repeat(600) } });
    const { error } = await manager.call('agents.upsert', { id: 'b', metadata: { text: 'x'.repeat(300) } });
    expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_known_agent_bytes', value: 1_000 } } });
    await manager.ok('agents.upsert', { id: 'a', metadata: { text: 'x'.repeat(300) } });
    await manager.ok('agents.upsert', { id: 'b', metadata: { text: 'x'.repeat(300) } });
    await manager.ok('agents.remove', { id: 'a' });
    await manager.ok('agents.upsert', { id: 'c', metadata: { text: 'x'.repeat(300) } });
  });
});
