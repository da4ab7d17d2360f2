import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { eventsOf, subscribe } from '../../support/tool-scene.ts';

/* Agents that connections list, and whose they are (wire.md section 4). */

async function setUp(options = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  const other = await linked.host();
  return { linked, host, other };
}
const A = { id: 'a', name: 'A', kind: 'k' };
const STATUSES = ['idle', 'running', 'waiting_for_approval', 'paused', 'completed', 'errored', 'stopped'];

test('host.register_agent › when only what is needed is given › then the rest has its defaults', async () => {
  const { linked, host, other } = await setUp();
  linked.clock.increment(3_000);
  const agent = await host.ok('host.register_agent', { name: 'A', kind: 'k' });
  expect(agent).toEqual({
    id: expect.stringMatching(/^[A-Za-z0-9._-]{1,128}$/),
    name: 'A',
    kind: 'k',
    capabilities: [],
    metadata: {},
    status: 'idle',
    current_task: null,
    updated_at: '1970-01-01T00:00:03.000Z',
  });
  const second = await host.ok('host.register_agent', { name: 'A', kind: 'k' });
  expect(second.id).not.toBe(agent.id);
  expect(await other.ok('host.agents')).toEqual([agent, second]);
});

test('host.register_agent › when everything is given › then it is listed as it came, and subscribers hear', async () => {
  const { host, other } = await setUp();
  await subscribe(other);
  const given = {
    ...A,
    capabilities: ['x', 'y'],
    project: '/p',
    pid: 0,
    display: [null, { __x: 1 }],
    metadata: { deep: { a: [1] } },
  };
  const agent = await host.ok('host.register_agent', given);
  expect(agent).toEqual({ ...given, status: 'idle', current_task: null, updated_at: '1970-01-01T00:00:00.000Z' });
  expect(eventsOf(other)).toMatchObject([{ kind: 'agent.registered', agent_id: 'a', payload: agent }]);
});

test('host.register_agent › when its own is registered again › then it is changed, and its status stays', async () => {
  const { host } = await setUp();
  await host.ok('host.register_agent', { ...A, project: '/p', metadata: { a: 1 } });
  await host.ok('host.set_status', { agent_id: 'a', status: 'running', current_task: 't' });
  const agent = await host.ok('host.register_agent', { id: 'a', name: 'B', kind: 'l' });
  expect(agent).toEqual({
    ...{ id: 'a', name: 'B', kind: 'l', capabilities: [], metadata: {} },
    ...{ status: 'running', current_task: 't', updated_at: '1970-01-01T00:00:00.000Z' },
  });
  expect(await host.ok('host.agents')).toEqual([agent]);
});

test('host.register_agent › when the id is somebody else’s › then -32015 and nothing changes, for the host role too', async () => {
  const { linked, host, other } = await setUp();
  const agent = await host.ok('host.register_agent', A);
  await linked.agent('echo');
  for (const client of [other, await linked.manager(), await linked.agent('third')]) {
    for (const id of ['a', 'echo']) {
      expect((await client.call('host.register_agent', { ...A, id })).error.code).toBe(-32015);
      expect((await client.call('host.set_status', { agent_id: id, status: 'idle' })).error.code).toBe(-32015);
      expect((await client.call('host.unregister_agent', { agent_id: id })).error.code).toBe(-32015);
    }
  }
  expect((await host.ok('host.agents'))[0]).toEqual(agent);
});

test('host.register_agent › when the agent whose id it took attaches › then the row is that agent’s, and subscribers hear', async () => {
  const { linked, host, other } = await setUp();
  await host.ok('host.register_agent', A);
  await subscribe(other);
  const agent = await linked.agent('a');
  expect(eventsOf(other).map(({ kind, agent_id }) => [kind, agent_id])).toContainEqual(['agent.unregistered', 'a']);
  expect((await host.call('host.unregister_agent', { agent_id: 'a' })).error.code).toBe(-32015);
  expect(await agent.ok('host.register_agent', { ...A, name: 'mine' })).toMatchObject({ id: 'a', name: 'mine' });
});

test('host.unregister_agent › when it is its own › then it is gone, and subscribers hear; then -32014', async () => {
  const { host, other } = await setUp();
  await host.ok('host.register_agent', A);
  await subscribe(other);
  expect(await host.ok('host.unregister_agent', { agent_id: 'a' })).toEqual({ ok: true });
  expect(await host.ok('host.agents')).toEqual([]);
  expect(eventsOf(other)).toMatchObject([{ kind: 'agent.unregistered', agent_id: 'a' }]);
  for (const client of [host, other]) {
    expect((await client.call('host.unregister_agent', { agent_id: 'a' })).error.code).toBe(-32014);
    expect((await client.call('host.set_status', { agent_id: 'a', status: 'idle' })).error.code).toBe(-32014);
  }
  await other.ok('host.register_agent', A);
});

test.each(STATUSES)(
  'host.set_status › when the status is %s › then the agent has it, and subscribers hear',
  async (status) => {
    const { linked, host, other } = await setUp();
    await host.ok('host.register_agent', { ...A, project: '/p' });
    await subscribe(other);
    linked.clock.increment(1_000);
    const agent = await host.ok('host.set_status', {
      agent_id: 'a',
      status,
      current_task: 'task',
      message: 'm',
      payload: [1],
    });
    expect(agent).toEqual({
      ...A,
      capabilities: [],
      metadata: {},
      project: '/p',
      status,
      current_task: 'task',
      updated_at: '1970-01-01T00:00:01.000Z',
    });
    expect(await other.ok('host.agents')).toEqual([agent]);
    expect(eventsOf(other)).toMatchObject([
      { kind: 'agent.status_changed', agent_id: 'a', message: 'm', payload: [1] },
    ]);
  },
);

test('host.set_status › when no task and no payload are given › then there is none, and the event tells the status', async () => {
  const { host } = await setUp();
  await subscribe(host);
  await host.ok('host.register_agent', A);
  await host.ok('host.set_status', { agent_id: 'a', status: 'running', current_task: 'task' });
  expect(await host.ok('host.set_status', { agent_id: 'a', status: 'completed' })).toMatchObject({
    current_task: null,
  });
  expect(eventsOf(host).at(-1).payload).toEqual({ status: 'completed', current_task: null });
});

test('an agent that is registered › when its connection goes › then it goes too, and subscribers hear; others’ stay', async () => {
  const { linked, host, other } = await setUp();
  await host.ok('host.register_agent', A);
  await host.ok('host.register_agent', { ...A, id: 'b' });
  await other.ok('host.register_agent', { ...A, id: 'c' });
  await subscribe(other);
  host.close();
  await settle();
  expect((await other.ok('host.agents')).map(({ id }: { id: string }) => id)).toEqual(['c']);
  expect(eventsOf(other).map(({ kind, agent_id }) => [kind, agent_id])).toEqual([
    ['agent.unregistered', 'a'],
    ['agent.unregistered', 'b'],
  ]);
  await (await linked.host()).ok('host.register_agent', A);
});

test('host.agents › when an agent is attached and registered nothing › then it is listed as such, until it goes', async () => {
  const { linked, host } = await setUp();
  linked.clock.increment(7_000);
  const agent = await linked.agent('echo');
  const row = {
    ...{ id: 'echo', name: 'echo', kind: 'attached', capabilities: [], metadata: {} },
    ...{ status: 'idle', current_task: null, updated_at: '1970-01-01T00:00:07.000Z' },
  };
  expect(await host.ok('host.agents')).toEqual([row]);
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  expect(await host.ok('host.agents')).toEqual([{ ...row, status: 'running' }]);
  agent.close();
  await settle();
  expect(await host.ok('host.agents')).toEqual([]);
});

test('host.agents › when an attached agent registers its own id › then it is listed once, and as attached again when it unregisters', async () => {
  const { linked, host } = await setUp();
  const agent = await linked.agent('echo');
  const row = await agent.ok('host.register_agent', { id: 'echo', name: 'Echo', kind: 'demo' });
  expect(await host.ok('host.agents')).toEqual([row]);
  await agent.ok('host.set_status', { agent_id: 'echo', status: 'paused' });
  expect(await host.ok('host.agents')).toMatchObject([{ kind: 'demo', status: 'paused' }]);
  await agent.ok('host.unregister_agent', { agent_id: 'echo' });
  expect(await host.ok('host.agents')).toMatchObject([{ id: 'echo', kind: 'attached' }]);
});

test('host.agents › when the agent that registered itself connects anew › then what it registered went with the older connection', async () => {
  const { linked, host } = await setUp();
  const older = await linked.agent('echo');
  await older.ok('host.register_agent', { id: 'echo', name: 'Echo', kind: 'demo' });
  const newer = await linked.agent('echo');
  await settle();
  expect(await host.ok('host.agents')).toMatchObject([{ id: 'echo', kind: 'attached' }]);
  await newer.ok('host.register_agent', { id: 'echo', name: 'Echo', kind: 'new' });
  expect(await host.ok('host.agents')).toMatchObject([{ id: 'echo', kind: 'new' }]);
});

test('host.register_agent › when a connection has 256 › then the next gets -32020; its own may be changed, and others have theirs', async () => {
  const { host, other } = await setUp();
  for (let n = 0; n < 256; n += 1) host.post('host.register_agent', { ...A, id: `n${n}` });
  await settle();
  const { error } = await host.call('host.register_agent', A);
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_registered_agents', value: 256 } } });
  await host.ok('host.register_agent', { ...A, id: 'n0' });
  await other.ok('host.register_agent', A);
  await host.ok('host.unregister_agent', { agent_id: 'n1' });
  await host.ok('host.register_agent', { ...A, id: 'more' });
  expect(await host.ok('host.agents')).toHaveLength(257);
});

test('host.register_agent and host.set_status › when what they carry is beyond 64 KiB › then -32020, and nothing changes', async () => {
  const { host } = await setUp();
  const text = 'x'.repeat(64 * 1024);
  for (const more of [
    { display: text },
    { metadata: { text } },
    { display: text.slice(1 << 15), metadata: { text: text.slice(1 << 15) } },
  ]) {
    const { error } = await host.call('host.register_agent', { ...A, ...more });
    expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_payload_bytes', value: 65_536 } } });
  }
  expect(await host.ok('host.agents')).toEqual([]);
  await host.ok('host.register_agent', A);
  const { error } = await host.call('host.set_status', { agent_id: 'a', status: 'running', payload: text });
  expect(error.code).toBe(-32020);
  expect(await host.ok('host.agents')).toMatchObject([{ status: 'idle' }]);
});

test.each([
  ['host.register_agent', {}, ['name', 'kind']],
  ['host.register_agent', { ...A, id: 'a:b' }, ['id']],
  ['host.register_agent', { ...A, name: '', kind: 'x'.repeat(257) }, ['name', 'kind']],
  ['host.register_agent', { ...A, capabilities: ['', 1] }, ['capabilities.0', 'capabilities.1']],
  ['host.register_agent', { ...A, pid: -1, project: 1, metadata: [] }, ['project', 'pid', 'metadata']],
  ['host.unregister_agent', {}, ['agent_id']],
  ['host.set_status', { agent_id: 'a', status: 'busy' }, ['status']],
  ['host.set_status', { status: 'idle', current_task: 1 }, ['agent_id', 'current_task']],
])('%s › when the params are %j › then -32602 names every field that is wrong', async (method, params, paths) => {
  const { host } = await setUp();
  const { error } = await host.call(method, params);
  expect(error.code).toBe(-32602);
  expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual(paths);
  expect(await host.ok('host.agents')).toEqual([]);
});
