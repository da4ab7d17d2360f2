import { expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { openChat, settle } from '../../support/linked.ts';
import { startKeys } from './keys.ts';

const HOST = { scopes: ['host'] as const };

test('keys.* › when whoever asks has no scope host › then there are no such methods', async () => {
  const { join } = await startKeys();
  const alice = await join({ name: 'alice', scopes: ['chat', 'observe'] });
  for (const method of ['keys.add', 'keys.list', 'keys.remove', 'keys.rotate'])
    expect((await alice.call(method, { name: 'x' })).error.code).toBe(ErrorCode.MethodNotFound);
});

test('a tenant’s management › when it has to do with keys › then with its own tenant’s alone', async () => {
  const { join, add, chief } = await startKeys();
  await add({ name: 'alice' });
  const boss = await join({ name: 'boss', tenant: 'acme', scopes: [...HOST.scopes] });
  await boss.ok('keys.add', { name: 'alice' });
  const names = async (client: typeof boss, params = {}) =>
    (await client.ok('keys.list', params)).map(({ tenant, name }: Record<string, string>) => `${tenant}/${name}`);
  expect(await names(boss)).toEqual(['acme/boss', 'acme/alice']);
  expect(await names(chief)).toEqual(['default/alice', 'acme/boss', 'acme/alice']);
  expect(await names(chief, { tenant: 'default' })).toEqual(['default/alice']);
  // To name another tenant, one that there is or one that there is not, is to name nothing.
  for (const tenant of ['default', 'nowhere'])
    for (const [method, params] of Object.entries({
      'keys.add': { name: 'x' },
      'keys.list': {},
      'keys.remove': { name: 'alice' },
      'keys.rotate': { name: 'alice' },
    }))
      expect((await boss.call(method, { tenant, ...params })).error.code, method).toBe(ErrorCode.NotFound);
  expect(await boss.ok('keys.remove', { name: 'alice' })).toEqual({ removed: true });
  expect(await names(chief)).toEqual(['default/alice', 'acme/boss']);
});

test('a management that comes by a key of the tenant default › then it is not the daemon’s own', async () => {
  const { join } = await startKeys();
  const boss = await join({ name: 'boss', scopes: ['host'] });
  expect((await boss.call('keys.add', { name: 'x', tenant: 'acme' })).error.code).toBe(ErrorCode.NotFound);
});

test('a key with an end › when it makes another › then that ends with it at the latest', async () => {
  const { join, advance } = await startKeys();
  const boss = await join({ name: 'boss', scopes: ['host'], expires_in_ms: 60_000 });
  await advance(10_000);
  expect((await boss.ok('keys.add', { name: 'same' })).key.expires_at).toBe('1970-01-01T00:01:00.000Z');
  expect((await boss.ok('keys.add', { name: 'less', expires_in_ms: 5_000 })).key.expires_at).toMatch(/:15\.000Z$/);
  const { error } = await boss.call('keys.add', { name: 'more', expires_in_ms: 50_001 });
  expect(error.data.issues).toMatchObject([{ path: 'expires_in_ms' }]);
});

test('a key with an end › when it gives an endless one a new token › then it may not, for it would have that', async () => {
  const { join, add } = await startKeys();
  await add({ name: 'endless', scopes: ['host'] });
  const boss = await join({ name: 'boss', scopes: ['host'], expires_in_ms: 60_000 });
  expect((await boss.call('keys.rotate', { name: 'endless' })).error.code).toBe(ErrorCode.InvalidParams);
  await boss.ok('keys.rotate', { name: 'boss', keep_ms: 1_000 });
});

test('a key for some ways in › when it makes another › then for no other ways', async () => {
  const { join } = await startKeys();
  const boss = await join({ name: 'boss', scopes: ['host'], fronts: ['ws', 'openai'] });
  for (const fronts of [undefined, ['acp'], ['ws', 'acp']])
    expect((await boss.call('keys.add', { name: 'x', fronts })).error.data.issues).toMatchObject([{ path: 'fronts' }]);
  await boss.ok('keys.add', { name: 'x', fronts: ['openai'] });
});

test('a management for some agents, which an embedder’s function may make › when it makes a key › then for no others', async () => {
  const { connect } = await startKeys({
    auth: ({ token }) => token === 'some' && { role: 'host', sub: 'boss', mayUse: (id) => id === 'echo' },
  });
  const boss = connect();
  await boss.ok('session.auth', { token: 'some' });
  for (const more of [{}, { agents: ['other'] }, { agents: ['echo', 'other'] }, { scopes: ['host'] }])
    expect((await boss.call('keys.add', { name: 'x', ...more })).error.data.issues).toMatchObject([{ path: 'agents' }]);
  await boss.ok('keys.add', { name: 'x', agents: ['echo'] });
});

test('a key for some agents › when others are asked for › then they are not there', async () => {
  const { agent, join } = await startKeys();
  const echo = await agent('echo');
  await agent('secret');
  const alice = await join({ name: 'alice', agents: ['echo'] });
  const rows = await alice.ok('agents.list');
  expect(rows.map(({ spec }: { spec: { id: string } }) => spec.id)).toEqual(['echo']);
  const refused = await alice.call('agents.chat', { agent_id: 'secret', prompt: 'hi' });
  expect(refused.error.code).toBe(ErrorCode.AgentNotAttached);
  await openChat(alice, echo, { agent_id: 'echo', session_id: 's' });
});

test('a key that may only look › when it would change something › then -32015', async () => {
  const { join } = await startKeys();
  const eve = await join({ name: 'eve', scopes: ['observe'] });
  expect((await eve.call('host.notify', { message: 'x' })).error.code).toBe(ErrorCode.Forbidden);
  await eve.ok('agents.list');
});

test('another tenant’s agent › when its management makes it known › then it attaches by its own token, and its people chat with it', async () => {
  const { join, connect, agent, chief } = await startKeys();
  const ours = await agent('echo');
  const boss = await join({ name: 'boss', tenant: 'acme', scopes: ['host'] });
  const { token } = await boss.ok('agents.upsert', { id: 'echo' });
  const theirs = connect();
  await theirs.ok('session.auth', { agent_id: 'echo', token });
  await settle();
  expect(ours.closed).toBeUndefined();
  const { token: alices } = await boss.ok('keys.add', { name: 'alice' });
  const alice = connect();
  await alice.ok('session.auth', { token: alices });
  await openChat(alice, theirs, { agent_id: 'echo', session_id: 's' });
  expect(theirs.lastChat().params.context.principal).toMatchObject({ sub: 'alice', tenant: 'acme' });
  expect(ours.received('agent.chat')).toEqual([]);
  // Its token is for no agent of another id, nor has the other tenant's been changed.
  expect((await connect().call('session.auth', { agent_id: 'other', token })).error.code).toBe(ErrorCode.InternalError);
  expect(await chief.ok('agents.list')).toMatchObject([{ spec: { id: 'echo' }, attached: true }]);
});

test('keys.list › when there are more than one answer holds › then the newest are told, and like finds every other', async () => {
  const { add, chief, broker, join } = await startKeys();
  const sub = `Ada ${'語'.repeat(250)}`;
  await add({ name: 'oldest', sub: 'Zoë@Home' });
  for (let n = 0; n < 1_000; n += 1) await add({ name: `key-${n}`, sub });
  const names = async (params: object, asker = chief): Promise<string[]> =>
    (await asker.ok('keys.list', params)).map(({ name }: { name: string }) => name);
  const told = await names({});
  expect(told.length).toBeLessThan(1_001);
  expect(told).toContain('key-999');
  expect(told).not.toContain('oldest');
  expect(broker.keys.list()).toHaveLength(1_001);
  for (const like of ['OLD', 'zoë@', 'oldest']) expect(await names({ like })).toEqual(['oldest']);
  expect(await names({ like: 'nobody has this' })).toEqual([]);
  expect(await names({ like: '' })).toEqual(told);
  // It looks at nothing that is not there for whoever asks.
  const boss = await join({ name: 'boss', tenant: 'acme', scopes: ['host'] });
  expect(await names({ like: 'o' }, boss)).toEqual(['boss']);
  expect(await names({ like: 'ACME' })).toEqual(['boss']);
  expect((await chief.call('keys.list', { like: 'x'.repeat(257) })).error.code).toBe(-32602);
});
