import { expect, test } from 'vitest';
import type { KeyRecord, KeyStore } from '../../../broker.ts';
import { connectHost } from '../../../client/node.ts';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { openChat, settle } from '../../support/linked.ts';
import { REFUSED, startKeys } from './keys.ts';

const main = { agent_id: 'echo', session_id: 'main' };

test('keys.add › when a key is made › then its token is shown once, and is somebody’s from then on', async () => {
  const { chief, agent, by } = await startKeys();
  const { key, token } = await chief.ok('keys.add', { name: 'alice' });
  expect(token).toMatch(/^sbk_[A-Za-z0-9_-]{43}$/);
  const told = { name: 'alice', tenant: 'default', sub: 'alice', scopes: ['chat'], connections: 0 };
  expect(key).toEqual({ ...told, created_at: '1970-01-01T00:00:00.000Z' });
  const echo = await agent('echo');
  const alice = await by(token);
  await openChat(alice, echo, main);
  expect(echo.lastChat().params.context.principal).toEqual({ sub: 'alice', tenant: 'default', name: 'alice' });
  expect(echo.lastChat().params.session_id).toMatch(/^main:[a-z2-7]{13}$/);
  const listed = await chief.ok('keys.list');
  expect(listed).toEqual([{ ...key, connections: 1 }]);
  expect(JSON.stringify(listed)).not.toContain(token.slice(4));
});

test('session.auth › when it comes with a key › then it says who that is, and until when', async () => {
  const { add, connect } = await startKeys();
  const alice = await add({ name: 'alice', expires_in_ms: 60_000 });
  expect(await connect().ok('session.auth', { token: alice })).toEqual({
    ok: true,
    auth_enabled: true,
    sub: 'alice',
    tenant: 'default',
    expires_at: '1970-01-01T00:01:00.000Z',
  });
  const boss = await add({ name: 'boss', tenant: 'acme', scopes: ['host'] });
  const answer = { ok: true, auth_enabled: true, role: 'host', sub: 'boss', tenant: 'acme' };
  expect(await connect().ok('session.auth', { token: boss })).toEqual(answer);
  expect(await connect().ok('session.auth', { host_token: boss })).toEqual(answer);
});

test('session.auth › when a key is none, or not for that › then there is one text, and the log and the metrics know why', async () => {
  const lines: string[] = [];
  const note = (_: object, text: string) => void lines.push(text);
  const log = { debug() {}, info() {}, warn: note, error: note };
  const started = await startKeys({ log });
  const { add, chief, tries, advance, agent, broker } = started;
  await agent('echo');
  const [gone, old, short, door, plain] = [
    await add({ name: 'gone' }),
    await add({ name: 'old' }),
    await add({ name: 'short', expires_in_ms: 1_000 }),
    await add({ name: 'door', fronts: ['openai'] }),
    await add({ name: 'plain' }),
  ];
  await chief.ok('keys.remove', { name: 'gone' });
  await chief.ok('keys.rotate', { name: 'old' });
  await advance(1_000);
  const cases = {
    'a key that nobody has made': { token: `sbk_${'x'.repeat(43)}` },
    'a key that was removed': { token: gone },
    'a key that another has taken the place of': { token: old },
    'a key that has expired': { token: short },
    'a key that is not for this way in': { token: door },
    'a key without the scope host, in place of the host token': { host_token: plain },
    "a key in place of an agent's own token": { agent_id: 'echo', token: plain },
  };
  for (const auth of Object.values(cases)) expect((await tries(auth)).error).toEqual(REFUSED);
  expect(lines).toEqual(Object.keys(cases).map((why) => `session.auth was refused: ${why}`));
  // Swept, and for the log still what it was.
  await advance(5_000);
  expect((await tries({ token: short })).error).toEqual(REFUSED);
  expect(lines.at(-1)).toBe('session.auth was refused: a key that has expired');
  expect((await chief.ok('keys.list')).map(({ name }: { name: string }) => name)).not.toContain('short');
  for (const token of [gone, old, short, door, plain]) expect(lines.join()).not.toContain(token.slice(4));
  await broker.close();
});

test.each([
  [{}, 'name'],
  [{ name: '' }, 'name'],
  [{ name: 'a b' }, 'name'],
  [{ name: 'x'.repeat(65) }, 'name'],
  [{ name: 'local' }, 'name'],
  [{ name: 'a', sub: 'local' }, 'sub'],
  [{ name: 'a', sub: 'agent:echo' }, 'sub'],
  [{ name: 'a', sub: 'a\nb' }, 'sub'],
  [{ name: 'a', tenant: 'a/b' }, 'tenant'],
  [{ name: 'a', scopes: [] }, 'scopes'],
  [{ name: 'a', scopes: ['root'] }, 'scopes.0'],
  [{ name: 'a', agents: [] }, 'agents'],
  [{ name: 'a', agents: ['a b'] }, 'agents.0'],
  [{ name: 'a', agents: ['echo'], scopes: ['host'] }, 'agents'],
  [{ name: 'a', fronts: ['door'] }, 'fronts.0'],
  [{ name: 'a', expires_in_ms: 0 }, 'expires_in_ms'],
  [{ name: 'a', expires_in_ms: 1.5 }, 'expires_in_ms'],
  [{ name: 'a', expires_in_ms: 4e11 }, 'expires_in_ms'],
  [{ name: 'there' }, 'name'],
])('keys.add › when it is asked for %j › then %s is what is wrong', async (params, path) => {
  const { chief, add } = await startKeys();
  await add({ name: 'there' });
  const { error } = await chief.call('keys.add', params);
  expect(error.code).toBe(ErrorCode.InvalidParams);
  expect(error.data.issues).toMatchObject([{ path }]);
  expect(await chief.ok('keys.list')).toHaveLength(1);
});

test('keys.remove › when turns run › then their connections close with 4403, and they end, those too that wait for their host', async () => {
  const { chief, agent, add, by } = await startKeys();
  const echo = await agent('echo');
  const token = await add({ name: 'alice' });
  const [here, away, bob] = [await by(token), await by(token), await by(await add({ name: 'bob' }))];
  const window = { resume_window_ms: 60_000 };
  await openChat(here, echo, { agent_id: 'echo', session_id: 'here', ...window });
  await openChat(away, echo, { agent_id: 'echo', session_id: 'away', ...window });
  await openChat(bob, echo, { agent_id: 'echo', session_id: 'his', ...window });
  const his: string = echo.lastChat().params.session_id;
  away.close();
  await settle();
  expect(await chief.ok('keys.remove', { name: 'alice' })).toEqual({ removed: true });
  await settle();
  expect(here.closed).toBe(CloseCode.Forbidden);
  const cancelled = echo.received('agent.chat.cancel').map(({ params }) => `${params.session_id} ${params.reason}`);
  expect(cancelled.map((line) => line.replace(/:\w+/, '')).sort()).toEqual([
    'away host_disconnected',
    'here host_disconnected',
  ]);
  const { sessions } = await chief.ok('agents.chat.sessions');
  expect(sessions).toMatchObject([{ session_id: his, status: 'streaming' }]);
  expect(bob.closed).toBeUndefined();
  expect(await chief.ok('keys.remove', { name: 'alice' })).toEqual({ removed: false });
});

test('keys.remove › when the same person has another key › then what waits for them still does', async () => {
  const { chief, agent, add, by } = await startKeys();
  const echo = await agent('echo');
  const [first, second] = [await add({ name: 'phone', sub: 'ada' }), await add({ name: 'desk', sub: 'ada' })];
  const phone = await by(first);
  const { resume_token } = await openChat(phone, echo, { ...main, resume_window_ms: 60_000 });
  phone.close();
  await settle();
  await chief.ok('keys.remove', { name: 'phone' });
  const desk = await by(second);
  const back = await desk.ok('agents.chat.subscribe', { session_id: 'main', resume_token });
  expect(back).toMatchObject({ session_id: 'main', status: 'streaming' });
});

test('keys.rotate › when the old one is kept for a while › then both work until it is over, and who came by it goes then', async () => {
  const { chief, add, by, tries, advance } = await startKeys();
  const old = await add({ name: 'alice' });
  const before = await by(old);
  const { key, token } = await chief.ok('keys.rotate', { name: 'alice', keep_ms: 60_000 });
  expect(key).toMatchObject({ previous_until: '1970-01-01T00:01:00.000Z', connections: 1 });
  const [still, since] = [await by(old), await by(token)];
  await advance(59_000);
  expect(before.closed).toBeUndefined();
  await advance(6_000);
  expect([before.closed, still.closed]).toEqual([CloseCode.NotAuthenticated, CloseCode.NotAuthenticated]);
  expect(since.closed).toBeUndefined();
  expect((await tries({ token: old })).error).toEqual(REFUSED);
  expect((await chief.ok('keys.list'))[0]).not.toHaveProperty('previous_until');
  // Of two that are kept the older one goes at once.
  const third = await chief.ok('keys.rotate', { name: 'alice', keep_ms: 60_000 });
  await chief.ok('keys.rotate', { name: 'alice', keep_ms: 60_000 });
  expect((await tries({ token })).error).toEqual(REFUSED);
  expect((await tries({ token: third.token })).result.ok).toBe(true);
});

test('keys.rotate › when the old one is not kept › then who came by it goes at once, after the answer to whoever asked', async () => {
  const { add, by, chief } = await startKeys();
  const boss = await by(await add({ name: 'boss', scopes: ['host'] }));
  const { token } = await boss.ok('keys.rotate', { name: 'boss' });
  await settle();
  expect(boss.closed).toBe(CloseCode.NotAuthenticated);
  await by(token);
  expect((await chief.call('keys.rotate', { name: 'nobody' })).error.code).toBe(ErrorCode.NotFound);
});

test('a key that ends › when somebody came by it › then their connection closes with 4401 within five seconds, and their turn waits', async () => {
  const { agent, join, chief, advance } = await startKeys();
  const echo = await agent('echo');
  const alice = await join({ name: 'alice', expires_in_ms: 60_000 });
  const { resume_token } = await openChat(alice, echo, { ...main, resume_window_ms: 60_000 });
  await advance(59_000);
  expect(alice.closed).toBeUndefined();
  await advance(6_000);
  expect(alice.closed).toBe(CloseCode.NotAuthenticated);
  expect(await chief.ok('keys.list')).toEqual([]);
  expect((await chief.ok('agents.chat.sessions')).sessions).toMatchObject([{ status: 'detached' }]);
  // Its name is free, and the same person has their session back by it.
  const again = await join({ name: 'alice' });
  const back = await again.ok('agents.chat.subscribe', { session_id: 'main', resume_token });
  expect(back).toMatchObject({ session_id: 'main', status: 'streaming' });
});

test('keys › when there are too many, or they take too much › then -32020 says which bound', async () => {
  const few = await startKeys({ limits: { maxKeys: 1 } });
  await few.add({ name: 'a' });
  expect((await few.chief.call('keys.add', { name: 'b' })).error.data.limit).toEqual({ name: 'max_keys', value: 1 });
  await few.chief.ok('keys.remove', { name: 'a' });
  await few.add({ name: 'b' });
  const small = await startKeys({ limits: { maxKeyBytes: 300 } });
  await small.add({ name: 'a' });
  const agents = Array.from({ length: 20 }, (_, n) => `agent-${n}`);
  const { error } = await small.chief.call('keys.add', { name: 'b', agents });
  expect(error.data.limit).toEqual({ name: 'max_key_bytes', value: 300 });
});

/** A store whose saves the test lets succeed, or fail, one by one. */
function slowStore() {
  const saves: { records: readonly KeyRecord[]; done(): void; fail(): void }[] = [];
  const store: KeyStore = {
    load: () => [],
    save: (records) =>
      new Promise((resolve, reject) => {
        saves.push({ records, done: resolve, fail: () => reject(new Error('no room on the disk')) });
      }),
  };
  return { saves, store };
}

test('a store that takes its time › when a key is made › then it is told of only once it is kept, and not at all where it is not', async () => {
  const { saves, store } = slowStore();
  const { chief, tries } = await startKeys({ keyStore: store });
  const [first, second] = [chief.post('keys.add', { name: 'a' }), chief.post('keys.add', { name: 'b' })];
  await settle();
  expect(chief.replyTo(first)).toBeUndefined();
  saves[0]?.done();
  await settle();
  const { token } = chief.replyTo(first).result;
  expect(chief.replyTo(second)).toBeUndefined();
  expect(saves[1]?.records.map(({ name }) => name)).toEqual(['a', 'b']);
  saves[1]?.fail();
  await settle();
  expect(chief.replyTo(second).error).toEqual({ code: ErrorCode.InternalError, message: 'internal error' });
  expect((await tries({ token })).result.ok).toBe(true);
  expect(await chief.ok('keys.list')).toHaveLength(1);
});

test('a store that cannot keep it › when a key is removed › then it works on, and nobody was disconnected', async () => {
  const { saves, store } = slowStore();
  const { chief, by } = await startKeys({ keyStore: store });
  const id = chief.post('keys.add', { name: 'alice' });
  await settle();
  saves[0]?.done();
  await settle();
  const { token } = chief.replyTo(id).result;
  const alice = await by(token);
  const removal = chief.post('keys.remove', { name: 'alice' });
  await settle();
  saves[1]?.fail();
  await settle();
  expect(chief.replyTo(removal).error.code).toBe(ErrorCode.InternalError);
  expect(alice.closed).toBeUndefined();
  await by(token);
});

test('secrets › when keys are made and used while somebody inspects › then no event shows one', async () => {
  const { chief, connect, tries, advance } = await startKeys({ inspect: true });
  await chief.ok('inspect.subscribe', { deltas: true });
  const made = await chief.ok('keys.add', { name: 'alice' });
  const rotated = await chief.ok('keys.rotate', { name: 'alice', keep_ms: 1_000 });
  await connect().ok('session.auth', { token: rotated.token });
  await tries({ host_token: made.token });
  await advance(1_000);
  const feed = JSON.stringify(chief.received('inspect.event'));
  expect(feed).toContain('keys.add');
  for (const { token } of [made, rotated]) expect(feed).not.toContain(token.slice(4, 20));
  expect(feed).not.toContain('token_hash');
});

test('broker.keys › when an embedder uses it › then it does what the wire does, for all tenants', async () => {
  const { broker, by } = await startKeys();
  const { key, token } = await broker.keys.add({ name: 'alice', tenant: 'acme', scopes: ['chat', 'observe'] });
  expect(key).toMatchObject({ name: 'alice', tenant: 'acme', scopes: ['chat', 'observe'] });
  const alice = await by(token);
  expect(broker.keys.list()).toMatchObject([{ name: 'alice', connections: 1 }]);
  expect(broker.keys.list({ tenant: 'default' })).toEqual([]);
  await broker.keys.rotate({ name: 'alice', tenant: 'acme', keep_ms: 1_000 });
  expect(await broker.keys.remove({ name: 'alice' })).toBe(false);
  expect(await broker.keys.remove({ name: 'alice', tenant: 'acme' })).toBe(true);
  await settle();
  expect(alice.closed).toBe(CloseCode.Forbidden);
  await expect(broker.keys.add({ name: 'a b' })).rejects.toMatchObject({ code: ErrorCode.InvalidParams });
});

test('the SDK › when it connects with a key › then it knows whose that is', async () => {
  const { broker, add } = await startKeys();
  const token = await add({ name: 'alice', tenant: 'acme' });
  const host = await connectHost({ link: broker.connect(), token });
  expect(host.principal).toEqual({ sub: 'alice', tenant: 'acme' });
  await host.close();
  const local = await connectHost({ link: broker.connect(), token: broker.tokens.daemon });
  expect(local.principal).toBeUndefined();
  await local.close();
});

test('keys.add › when a key of that name has just ended › then whoever came by that one is out, and nothing of it is the new one’s', async () => {
  const { chief, add, by, tries, clock } = await startKeys();
  const ended = await add({ name: 'app', expires_in_ms: 1_000 });
  const app = await by(ended);
  // Past its end, and not looked at since.
  clock.increment(1_001);
  expect((await tries({ token: ended })).error).toEqual(REFUSED);
  const { key, token } = await chief.ok('keys.add', { name: 'app' });
  expect(key.last_used_at).toBeUndefined();
  await settle();
  expect(app.closed).toBe(CloseCode.NotAuthenticated);
  expect(await chief.ok('keys.list')).toEqual([{ ...key, connections: 0 }]);
  expect((await tries({ token: ended })).error).toEqual(REFUSED);
  expect((await tries({ token })).result.sub).toBe('app');
});
