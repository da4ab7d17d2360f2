import { expect, test } from 'vitest';
import { settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { approvalsOf, eventsOf, subscribe } from '../../support/tool-scene.ts';

/* Approvals that a client asks for, and their answers (wire.md section 5). */

async function setUp(options = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  const manager = await linked.manager();
  const raise = (params: object = {}) => host.ok('host.request_approval', { action: 'rm', ...params });
  return { linked, host, manager, raise };
}

test('host.request_approval › when only an action is given › then the row has the defaults, and waits', async () => {
  const { linked, host, raise } = await setUp();
  linked.clock.increment(1_500);
  const row = await raise();
  expect(row).toEqual({
    id: expect.stringMatching(/^approval-/),
    origin: 'request',
    agent_id: null,
    action: 'rm',
    details: {},
    options: ['approve', 'deny'],
    status: 'pending',
    created_at: '1970-01-01T00:00:01.500Z',
  });
  await linked.advance(24 * 60 * 60_000);
  expect(await approvalsOf(host)).toEqual([row]);
});

test('host.request_approval › when everything is given › then it is kept as it came, and all its principal’s windows see it', async () => {
  const { linked, raise } = await setUp();
  const given = {
    agent_id: 'some.agent',
    details: { __x: [null], deep: { a: 1 } },
    options: ['yes', 'later', 'approve'],
  };
  const row = await raise(given);
  expect(row).toMatchObject(given);
  for (const client of [await linked.host(), await linked.manager()]) expect(await approvalsOf(client)).toEqual([row]);
  expect(await approvalsOf(await linked.agent('echo'))).toEqual([]);
});

test('host.request_approval › when its details are those of a gate’s or a chat’s › then its origin says that they are not', async () => {
  const { linked, host } = await setUp();
  const agent = await linked.agent('echo');
  for (const details of [
    { source: 'chat', session_id: 's', turn_id: 't', approval_id: 'a', origin: 'chat' },
    { method: 'mail.send', params_preview: '{}', expires_at: 1 },
  ]) {
    await agent.ok('host.request_approval', { action: 'ws.method:mail.send', details, origin: 'gate' });
    expect((await approvalsOf(host)).at(-1)).toMatchObject({ origin: 'request', details });
  }
});

test('host.request_approval › when an agent asks › then its own id is stamped, whatever it sends', async () => {
  const { linked } = await setUp();
  const agent = await linked.agent('echo');
  for (const params of [{ action: 'a' }, { action: 'a', agent_id: 'other' }]) {
    expect(await agent.ok('host.request_approval', params)).toMatchObject({ agent_id: 'echo' });
  }
});

test('host.request_approval › when its raiser disconnects › then it is withdrawn, and others’ stay', async () => {
  const { linked, host, manager, raise } = await setUp();
  const watcher = await linked.host();
  await subscribe(watcher);
  const agent = await linked.agent('echo');
  const rows = [await raise(), await agent.ok('host.request_approval', { action: 'b' })];
  await manager.ok('host.request_approval', { action: 'c' });
  host.close();
  agent.close();
  await settle();
  expect((await approvalsOf(manager)).map(({ action, status }) => [action, status])).toEqual([
    ['rm', 'withdrawn'],
    ['b', 'withdrawn'],
    ['c', 'pending'],
  ]);
  const events = eventsOf(watcher).filter((event) => event.kind === 'approval.resolved');
  expect(events.map((event) => event.payload.id)).toEqual(rows.map((row) => row.id));
  const { error } = await manager.call('host.resolve_approval', { approval_id: rows[0].id, resolution: 'approve' });
  expect(error).toMatchObject({ code: -32016, data: { resolution: 'withdrawn' } });
});

test.each([
  [{}, ['action']],
  [{ action: '' }, ['action']],
  [{ action: 1, agent_id: 'a/b' }, ['agent_id', 'action']],
  [{ action: 'x'.repeat(1025) }, ['action']],
  [{ action: 'a', details: [] }, ['details']],
  [{ action: 'a', options: [] }, ['options']],
  [{ action: 'a', options: ['approve', ''] }, ['options.1']],
  [{ action: 'a', options: 'approve' }, ['options']],
])(
  'host.request_approval › when the params are %j › then -32602 names every field that is wrong',
  async (params, paths) => {
    const { host } = await setUp();
    const { error } = await host.call('host.request_approval', params);
    expect(error.code).toBe(-32602);
    expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual(paths);
    expect(await approvalsOf(host)).toEqual([]);
  },
);

test('host.request_approval › when its details are beyond 64 KiB › then -32020', async () => {
  const { host, raise } = await setUp();
  const { error } = await host.call('host.request_approval', { action: 'a', details: { text: 'ü'.repeat(32 * 1024) } });
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_payload_bytes', value: 65_536 } } });
  await raise({ details: { text: 'x'.repeat(64 * 1024 - 11) } });
  expect(
    (await host.call('host.request_approval', { action: 'a', details: { text: 'x'.repeat(64 * 1024 - 10) } })).error
      .code,
  ).toBe(-32020);
});

test('host.request_approval › when 64 of a connection’s are pending › then the next gets -32020, and an end makes room', async () => {
  const { host, manager, raise } = await setUp();
  const first = await raise();
  for (let n = 1; n < 64; n += 1) await raise();
  const { error } = await host.call('host.request_approval', { action: 'a' });
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_pending_approvals', value: 64 } } });
  await manager.ok('host.request_approval', { action: 'a' });
  await host.ok('host.resolve_approval', { approval_id: first.id, resolution: 'deny' });
  await raise();
});

test.each([
  ['approve', 'approved'],
  ['deny', 'denied'],
  ['Approve', 'denied'],
  ['approved', 'denied'],
  ['yes', 'denied'],
  ['true', 'denied'],
  ['approve ', 'denied'],
  ['later', 'denied'],
])('host.resolve_approval › when the resolution is %j › then the approval is %s', async (resolution, status) => {
  const { linked, host, raise } = await setUp();
  const row = await raise({ options: ['approve', 'later'] });
  linked.clock.increment(2_000);
  const answered = await host.ok('host.resolve_approval', { approval_id: row.id, resolution });
  expect(answered).toEqual({ ...row, status, resolution, resolved_at: '1970-01-01T00:00:02.000Z' });
  expect(await approvalsOf(host)).toEqual([answered]);
});

test('host.resolve_approval › when it is answered already › then a later answer gets -32016 with how it ended, and changes nothing', async () => {
  const { linked, host, manager, raise } = await setUp();
  const { id } = await raise();
  const first = host.post('host.resolve_approval', { approval_id: id, resolution: 'no' });
  const second = manager.post('host.resolve_approval', { approval_id: id, resolution: 'approve' });
  await settle();
  expect(host.replyTo(first).result.status).toBe('denied');
  expect(manager.replyTo(second).error).toMatchObject({ code: -32016, data: { resolution: 'denied' } });
  const third = await host.call('host.resolve_approval', { approval_id: id, resolution: 'approve' });
  expect(third.error.code).toBe(-32016);
  expect(await approvalsOf(host)).toMatchObject([{ status: 'denied', resolution: 'no' }]);
  expect(await readMetric(linked.broker, 'approvals_total')).toEqual({ denied: 1 });
});

test('host.resolve_approval › when there is no such approval › then -32016, and nothing is said of how it ended', async () => {
  const { host } = await setUp();
  const { error } = await host.call('host.resolve_approval', { approval_id: 'constructor', resolution: 'approve' });
  expect(error.code).toBe(-32016);
  expect(error).not.toHaveProperty('data');
});

test.each([
  [{}, ['resolution']],
  [{ resolution: '' }, ['resolution']],
  [{ resolution: true }, ['resolution']],
  [{ resolution: null }, ['resolution']],
  [{ resolution: 'x'.repeat(1025) }, ['resolution']],
  [{ approval_id: '', resolution: 'approve' }, ['approval_id']],
  [{ approval_id: 1, resolution: 1 }, ['approval_id', 'resolution']],
])('host.resolve_approval › when it is %j › then -32602, and the approval waits on', async (params, paths) => {
  const { host, raise } = await setUp();
  const { id } = await raise();
  const { error } = await host.call('host.resolve_approval', { approval_id: id, ...params });
  expect(error.code).toBe(-32602);
  expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual(paths);
  expect((await host.ok('host.resolve_approval', { approval_id: id, resolution: 'approve' })).status).toBe('approved');
});

test('host.resolve_approval › when it comes as a notification › then it counts, and nobody is answered', async () => {
  const { host, raise } = await setUp();
  const { id } = await raise();
  const frames = host.frames.length;
  host.notify('host.resolve_approval', { approval_id: id, resolution: 'approve' });
  await settle();
  expect(host.frames).toHaveLength(frames);
  expect(await approvalsOf(host)).toMatchObject([{ id, status: 'approved' }]);
});

test('an approval › when it is raised and resolved › then subscribers hear both, with the row as it was', async () => {
  const { linked, host } = await setUp();
  await subscribe(host);
  const agent = await linked.agent('echo');
  const row = await agent.ok('host.request_approval', { action: 'rm', details: { path: '/' } });
  const done = await host.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  await host.ok('host.request_approval', { action: 'other' });
  const [, requested, resolved, other] = eventsOf(host);
  expect(requested).toMatchObject({ kind: 'approval.requested', agent_id: 'echo', payload: row });
  expect(requested.payload).toEqual(row);
  expect(resolved).toMatchObject({ kind: 'approval.resolved', agent_id: 'echo' });
  expect(resolved.payload).toEqual(done);
  expect(other).not.toHaveProperty('agent_id');
});

test('host.approvals › when more than 500 have ended › then the last 500 are listed, oldest first, and every pending one after', async () => {
  const { host, raise } = await setUp();
  const waiting = await raise({ action: 'waits' });
  const ids: string[] = [];
  for (let n = 0; n < 502; n += 1) {
    const { id } = await raise({ action: `n${n}` });
    ids.push(id);
    await host.ok('host.resolve_approval', { approval_id: id, resolution: 'approve' });
  }
  const rows = await approvalsOf(host);
  expect(rows.map((row) => row.id)).toEqual([...ids.slice(2), waiting.id]);
  // What is forgotten is unknown.
  const [forgotten, kept] = [ids[1], ids[2]];
  const resolve = (approval_id: unknown) => host.call('host.resolve_approval', { approval_id, resolution: 'approve' });
  expect((await resolve(forgotten)).error).toEqual({ code: -32016, message: expect.any(String) });
  expect((await resolve(kept)).error.data).toEqual({ resolution: 'approved' });
});
