import { describe, expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { components, create, loadSurfaceSchemas } from '../../support/surfaces.ts';

/* Answers with lists stay under 768 KiB, whatever is kept (`wire.md` section 1). */

const KIB = 1024;
const MOST = 768 * KIB;
const text = (kib: number) => 'x'.repeat(kib * KIB - 100);

/** An answer's result, which was not too large. */
async function listed(client: LinkedClient, method: string, params: object = {}): Promise<Message> {
  const id = client.post(method, params);
  for (let n = 0; n < 5; n += 1) await settle();
  const frame = client.replyTo(id);
  expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(MOST);
  expect(frame.error).toBeUndefined();
  return frame.result;
}

const ids = (rows: Message[]): string[] => rows.map(({ id }) => id);

describe('host.agents › when what agents say of themselves does not fit', () => {
  async function setUp() {
    const linked = startLinked();
    const [host, other] = [await linked.host(), await linked.host()];
    for (let n = 0; n < 40; n += 1) {
      const id = `a${String(n).padStart(2, '0')}`;
      await host.ok('host.register_agent', { id, name: id, kind: 'k', display: 1, metadata: { text: text(60) } });
    }
    return { linked, host, other };
  }

  test('then all of them are there, the newest with it', async () => {
    const { other } = await setUp();
    const rows: Message[] = await listed(other, 'host.agents');
    expect(ids(rows)).toEqual(Array.from({ length: 40 }, (_, n) => `a${String(n).padStart(2, '0')}`));
    const whole = rows.filter(({ display }) => display === 1);
    expect(whole.length).toBeGreaterThan(10);
    expect(whole).toEqual(rows.slice(-whole.length));
    for (const { metadata } of whole) expect(metadata.text).toHaveLength(60 * KIB - 100);
    for (const row of rows.slice(0, -whole.length)) {
      expect(row.metadata).toEqual({});
      expect(row).not.toHaveProperty('display');
    }
  });

  test('then host.subscribe has all of them too, and says that it is not whole', async () => {
    const { other } = await setUp();
    await other.ok('server.handshake', { protocol_version: 3 });
    const { agents, truncated } = await listed(other, 'host.subscribe');
    expect(agents).toHaveLength(40);
    expect(truncated).toBe(true);
  });

  test('and neither do heads › then the newest are there', async () => {
    const linked = startLinked({ limits: { maxRegisteredAgents: 40 } });
    const host = await linked.host();
    const capabilities = Array.from({ length: 256 }, (_, n) => String(n).padEnd(120));
    for (let n = 0; n < 40; n += 1)
      await host.ok('host.register_agent', { id: `a${n}`, name: 'n', kind: 'k', capabilities });
    const rows = await listed(host, 'host.agents');
    expect(rows.length).toBeGreaterThan(20);
    expect(ids(rows)).toEqual(Array.from({ length: rows.length }, (_, n) => `a${40 - rows.length + n}`));
  });
});

test('agents.list › when metadata does not fit › then every agent is there, the newest with it', async () => {
  const linked = startLinked();
  const manager = await linked.manager();
  for (let n = 0; n < 40; n += 1) await manager.ok('agents.upsert', { id: `a${n}`, metadata: { text: text(60) } });
  const rows = await listed(manager, 'agents.list');
  expect(rows.map(({ spec }: Message) => spec.id).sort()).toEqual(Array.from({ length: 40 }, (_, n) => `a${n}`).sort());
  const whole = rows.filter(({ spec }: Message) => spec.metadata.text !== undefined);
  expect(whole.length).toBeGreaterThan(10);
  expect(whole.length).toBeLessThan(13);
});

test('keys.list › when they are more than fit › then the newest are there', async () => {
  const linked = startLinked();
  const manager = await linked.manager();
  const agents = Array.from({ length: 60 }, (_, n) => String(n).padEnd(128, '-'));
  for (let n = 0; n < 120; n += 1) await manager.ok('keys.add', { name: `k${n}`, agents });
  const rows = await listed(manager, 'keys.list');
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.length).toBeLessThan(120);
  expect(rows.at(-1).name).toBe('k119');
});

test('agents.chat.sessions › when they are more than fit › then the newest are there, and it is said', async () => {
  const linked = startLinked({ limits: { maxTurnsPerConnection: 3_000 } });
  const host = await linked.host();
  const agent = await linked.agent('echo');
  for (let n = 0; n < 2_500; n += 1)
    await openChat(host, agent, { agent_id: 'echo', session_id: `${n}-${'s'.repeat(110)}` });
  const { sessions, truncated } = await listed(host, 'agents.chat.sessions');
  expect(truncated).toBe(true);
  expect(sessions.length).toBeGreaterThan(1_000);
  expect(sessions.at(-1).session_id).toMatch(/^2499-/);
});

test('memory.query › when the facts are more than fit › then the best are there, and it is said', async () => {
  const linked = startLinked();
  const host = await linked.host();
  for (let n = 0; n < 100; n += 1) await listed(host, 'memory.add_fact', { subject: 'tea', body: `green ${text(15)}` });
  await listed(host, 'memory.add_fact', { subject: 'green tea', body: 'green tea' });
  const { facts, truncated } = await listed(host, 'memory.query', { query: 'green tea', k: 100 });
  expect(truncated).toBe(true);
  expect(facts.length).toBeGreaterThan(45);
  expect(facts[0].subject).toBe('green tea');
  expect(facts.map(({ score }: Message) => score)).toEqual(
    facts.map(({ score }: Message) => score).sort((a: number, b: number) => b - a),
  );
  const few = await listed(host, 'memory.query', { query: 'green tea', k: 3 });
  expect(few.facts).toHaveLength(3);
  expect(few).not.toHaveProperty('truncated');
});

test('a2ui.surfaces › when their owners do not fit either › then the newest are there', async () => {
  await loadSurfaceSchemas();
  const linked = startLinked();
  const host = await linked.host();
  const endpoint = `http://127.0.0.1:1/${'e'.repeat(2_000)}`;
  for (let n = 0; n < 256; n += 1) {
    const owner = { kind: 'a2a', taskId: 't'.repeat(256), contextId: 'c'.repeat(256), endpoint };
    await listed(host, 'a2ui.ingest', { payload: create(`s${n}`), owner });
    await listed(host, 'a2ui.apply', components(`s${n}`, { id: 'root', component: 'Text', text: text(8) }));
  }
  const rows = await listed(host, 'a2ui.surfaces');
  expect(rows.length).toBeGreaterThan(200);
  expect(rows.at(-1).surfaceId).toBe('s255');
});
