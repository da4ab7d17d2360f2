import { describe, expect, test } from 'vitest';
import { createBroker, SHARED_LIMITS, type SharedLimits } from '../../../broker.ts';
import { type LinkedClient, type Message, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { startKeys } from './keys.ts';

test('tenant.agents and tenant.keys › what a tenant’s host role may make is bounded, and others’ is not', async () => {
  const { broker, chief, join } = await startKeys({ sharedLimits: { 'tenant.agents': 2, 'tenant.keys': 3 } });
  const boss = await join({ name: 'boss', tenant: 'acme', scopes: ['host'] });
  const rival = await join({ name: 'boss', tenant: 'rival', scopes: ['host'] });
  await boss.ok('agents.upsert', { id: 'one' });
  await boss.ok('agents.upsert', { id: 'two' });
  expect((await boss.call('agents.upsert', { id: 'three' })).error).toMatchObject({
    code: -32020,
    data: { limit: { name: 'tenant.agents', value: 2 } },
  });
  // Changing one is not making one, and its place is free when it is gone.
  await boss.ok('agents.upsert', { id: 'two', name: 'Two' });
  await rival.ok('agents.upsert', { id: 'three' });
  await boss.ok('agents.remove', { id: 'one' });
  await boss.ok('agents.upsert', { id: 'three' });
  await boss.ok('keys.add', { name: 'a' });
  await boss.ok('keys.add', { name: 'b' });
  expect((await boss.call('keys.add', { name: 'c' })).error.data.limit).toEqual({ name: 'tenant.keys', value: 3 });
  await boss.ok('keys.remove', { name: 'a' });
  await boss.ok('keys.add', { name: 'c' });
  // The daemon's own management decides for itself.
  await chief.ok('keys.add', { name: 'd', tenant: 'acme' });
  broker.upsertAgent({ id: 'four' }, { tenant: 'acme' });
  expect((await boss.call('keys.add', { name: 'e' })).error.code).toBe(-32020);
});

test('tenant.listed › what a tenant’s people and agents may list is bounded, and others’ is not', async () => {
  const { join, agent, host } = await startKeys({ sharedLimits: { 'tenant.listed': 2 } });
  const [ann, bob] = [await join({ name: 'ann', tenant: 'acme' }), await join({ name: 'bob', tenant: 'acme' })];
  const rival = await join({ name: 'ann', tenant: 'rival' });
  const row = (id: string) => ({ id, name: id, kind: 'k' });
  await ann.ok('host.register_agent', row('one'));
  await bob.ok('host.register_agent', row('two'));
  expect((await ann.call('host.register_agent', row('three'))).error).toMatchObject({
    code: -32020,
    data: { limit: { name: 'tenant.listed', value: 2 } },
  });
  // Changing one is not making one, and its place is free when it is gone, with whoever registered it too.
  await ann.ok('host.register_agent', { ...row('one'), name: 'One' });
  await rival.ok('host.register_agent', row('three'));
  await ann.ok('host.unregister_agent', { agent_id: 'one' });
  await bob.ok('host.register_agent', row('three'));
  expect((await ann.call('host.register_agent', row('four'))).error.code).toBe(-32020);
  bob.close();
  await settle();
  await ann.ok('host.register_agent', row('four'));
  await ann.ok('host.register_agent', row('five'));
  // Agents are of their tenant, and the daemon's own person has no limit.
  const [bot, local] = [await agent('bot'), await host()];
  await bot.ok('host.register_agent', row('bot'));
  await bot.ok('host.register_agent', row('tool'));
  expect((await bot.call('host.register_agent', row('more'))).error.code).toBe(-32020);
  await local.ok('host.register_agent', row('window'));
});

describe('kept events', () => {
  const tell = async (client: LinkedClient, ...messages: (string | number)[]) => {
    for (const message of messages) await client.ok('host.notify', { message: String(message) });
  };
  const told = async (client: LinkedClient, params: object = {}) =>
    (await client.ok('host.events', params)).events.map((event: Message) => `${event.sequence} ${event.message}`);

  test('of a busy tenant › take nothing from a quiet one, by their number and by their bytes', async () => {
    const { join } = await startKeys({ limits: { keptEvents: 6, keptEventBytes: 10_000 } });
    const quiet = await join({ name: 'quiet', tenant: 'quiet' });
    const busy = await join({ name: 'busy', tenant: 'busy' });
    await tell(quiet, 'a', 'b', 'c');
    await tell(busy, ...Array.from({ length: 50 }, (_, n) => n));
    expect(await told(quiet)).toEqual(['1 a', '2 b', '3 c']);
    expect(await told(busy)).toEqual(['48 47', '49 48', '50 49']);
    // Of two that have as much, neither is left with nothing.
    await tell(quiet, 'd');
    expect(await told(quiet)).toEqual(['2 b', '3 c', '4 d']);
    expect(await told(busy, { before: 50 })).toEqual(['48 47', '49 48']);
    const payload = { text: 'x'.repeat(4_000) };
    for (const message of ['big', 'bigger', 'biggest']) await busy.ok('host.notify', { message, payload });
    expect(await told(quiet)).toEqual(['2 b', '3 c', '4 d']);
    expect((await told(busy)).at(-1)).toBe('53 biggest');
    expect(await told(busy)).toHaveLength(2);
  });

  test('tenant.events › bounds those of each tenant; whoever comes back finds its numbers going on', async () => {
    const { join } = await startKeys({ sharedLimits: { 'tenant.events': 2 } });
    const [ann, rival] = [await join({ name: 'ann', tenant: 'acme' }), await join({ name: 'ann', tenant: 'rival' })];
    await tell(ann, 1, 2, 3, 4);
    await tell(rival, 'a', 'b');
    expect(await told(ann)).toEqual(['3 3', '4 4']);
    expect(await told(rival)).toEqual(['1 a', '2 b']);
    await tell(rival, 'c');
    await tell(ann, 5);
    expect(await told(ann)).toEqual(['4 4', '5 5']);
  });

  test('that are told › reach subscribers of their own tenant in order, however others’ come between', async () => {
    const { join } = await startKeys({ limits: { keptEvents: 3 } });
    const [ann, rival] = [await join({ name: 'ann', tenant: 'acme' }), await join({ name: 'ann', tenant: 'rival' })];
    await ann.ok('server.handshake', { protocol_version: 3 });
    await ann.ok('host.subscribe');
    for (let n = 0; n < 10; n += 1) {
      await tell(rival, 'theirs');
      await tell(ann, n);
    }
    await settle();
    const heard = ann.received('host.event').map(({ params }) => `${params.sequence} ${params.message}`);
    expect(heard).toEqual(Array.from({ length: 10 }, (_, n) => `${n + 1} ${n}`));
  });
});

test('what limits have refused › is counted by name: those that are set, and no others', async () => {
  const { broker, chief, join } = await startKeys({ sharedLimits: { 'tenant.agents': 1, 'identity.chats': 5 } });
  const boss = await join({ name: 'boss', tenant: 'acme', scopes: ['host'] });
  await boss.ok('agents.upsert', { id: 'one' });
  for (const id of ['two', 'three']) await boss.call('agents.upsert', { id });
  expect(await readMetric(broker, 'limited_total')).toEqual({ 'tenant.agents': 2 });
  expect((await chief.ok('broker.status')).limited).toEqual({ 'identity.chats': 0, 'tenant.agents': 2 });
});

test('sharedLimits › names each limit that there is, and takes no other and no bad number', () => {
  const all = Object.fromEntries(SHARED_LIMITS.map((name) => [name, 1]));
  expect(() => createBroker({ sharedLimits: { ...all, 'identity.chats': undefined } as object })).not.toThrow();
  expect(() => createBroker({ sharedLimits: { 'identity.chat': 1 } as SharedLimits })).toThrow(
    new RangeError('sharedLimits, identity.chat: there is no such limit; did you mean identity.chats?'),
  );
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number])
    expect(() => createBroker({ sharedLimits: { 'tenant.bytes': value } })).toThrow(
      new RangeError('sharedLimits, tenant.bytes: a whole number from 1 to 1000000000000'),
    );
});
