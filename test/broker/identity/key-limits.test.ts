import { describe, expect, test } from 'vitest';
import type { KeyRecord } from '../../../actors/connection/key-store.ts';
import type { BrokerOptions } from '../../../broker.ts';
import type { InputOf } from '../../../protocol/methods.ts';
import { LinkedClient, openChat, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { startKeys } from './keys.ts';

/** A broker, an agent, and chats of whoever has a key. */
async function scene(options: BrokerOptions = {}) {
  const people = await startKeys(options);
  const echo = await people.agent('echo');
  let count = 0;
  const name = () => ({ agent_id: 'echo', session_id: `s-${++count}` });
  return {
    ...people,
    echo,
    chat: (who: LinkedClient) => openChat(who, echo, name()),
    /** What limit refuses one more chat. */
    refused: async (who: LinkedClient) =>
      (await who.call('agents.chat', { ...name(), prompt: 'hi' })).error?.data.limit ?? 'it was not refused',
  };
}

describe('a key with limits of its own', () => {
  test('shares them among its connections, and with nobody', async () => {
    const { add, by, chat, refused, advance } = await scene();
    const limited = await add({ name: 'app', sub: 'ann', limits: { chats: 2, turns: 3 } });
    const other = await add({ name: 'own', sub: 'ann' });
    const [one, two, free] = [await by(limited), await by(limited), await by(other)];
    await chat(one);
    await chat(two);
    expect(await refused(one)).toEqual({ name: 'key.chats', value: 2 });
    expect(await refused(two)).toEqual({ name: 'key.chats', value: 2 });
    for (let n = 0; n < 5; n += 1) await chat(free);
    await advance(1_000);
    await chat(one);
    expect(await refused(two)).toEqual({ name: 'key.turns', value: 3 });
  });

  test('has them beside those that are set for all: the narrower one decides', async () => {
    const { add, by, chat, refused } = await scene({ sharedLimits: { 'identity.turns': 2, 'tenant.turns': 4 } });
    const [wide, narrow] = [
      await by(await add({ name: 'wide', limits: { turns: 100 } })),
      await by(await add({ name: 'narrow', limits: { turns: 1 } })),
    ];
    await chat(wide);
    await chat(wide);
    expect(await refused(wide)).toEqual({ name: 'identity.turns', value: 2 });
    await chat(narrow);
    expect(await refused(narrow)).toEqual({ name: 'key.turns', value: 1 });
  });

  test('is bounded in connections, tool calls and deltas', async () => {
    const { add, by, broker, chat, refused, echo, tries } = await scene();
    const token = await add({ name: 'app', limits: { tools: 1, deltas: 5, connections: 1 } });
    const app = await by(token);
    await app.ok('tools.register', [{ name: 'clock' }]);
    await chat(app);
    const { session_id } = echo.lastChat().params;
    const call = () => echo.call('tools.execute', { session_id, tool: 'clock', parameters: {} });
    void call();
    expect((await call()).error.data.limit).toEqual({ name: 'key.tools', value: 1 });
    for (let n = 0; n < 9; n += 1) echo.emit(session_id, { kind: 'token', delta: 'x' });
    await settle();
    expect(app.events().filter(({ kind }) => kind === 'token')).toHaveLength(9);
    expect(await refused(app)).toEqual({ name: 'key.deltas', value: 5 });
    // Connections of this process are none of those that are counted.
    expect((await tries({ token })).result).toBeDefined();
    expect(await readMetric(broker, 'limited_total')).toEqual({ 'key.deltas': 1, 'key.tools': 1 });
  });

  test('has them by whatever way somebody comes', async () => {
    const { broker, add, by, chat, refused } = await scene();
    const token = await add({ name: 'app', limits: { turns: 2 } });
    const request = { headers: { authorization: `Bearer ${token}` }, socket: { remoteAddress: '127.0.0.1' } };
    const who = await broker.identifyBearer(request, 'openai');
    if (!who) throw new Error('nobody');
    const [front, app] = [new LinkedClient(broker.connect({ principal: who })), await by(token)];
    await chat(front);
    await chat(app);
    expect(await refused(front)).toEqual({ name: 'key.turns', value: 2 });
    expect(await refused(app)).toEqual({ name: 'key.turns', value: 2 });
  });

  test('keeps them when it is rotated; made anew, it has those that it is made with', async () => {
    const { add, by, chief, chat, refused } = await scene();
    await add({ name: 'app', limits: { turns: 1 } });
    const { token, key } = await chief.ok('keys.rotate', { name: 'app' });
    expect(key.limits).toEqual({ turns: 1 });
    const app = await by(token);
    await chat(app);
    expect(await refused(app)).toEqual({ name: 'key.turns', value: 1 });
    await chief.ok('keys.remove', { name: 'app' });
    await settle();
    const again = await by(await add({ name: 'app', limits: { turns: 2 } }));
    await chat(again);
    await chat(again);
    expect(await refused(again)).toEqual({ name: 'key.turns', value: 2 });
  });

  test('makes none that may do more', async () => {
    const { add, by, join } = await scene();
    const boss = await join({ name: 'boss', tenant: 'acme', scopes: ['host'], limits: { chats: 5, bytes: 1_000_000 } });
    const path = async (limits: object | undefined) =>
      (await boss.call('keys.add', { name: 'app', ...(limits ? { limits } : {}) })).error?.data.issues[0].path;
    expect(await path(undefined)).toBe('limits.chats');
    expect(await path({ chats: 6, bytes: 1 })).toBe('limits.chats');
    expect(await path({ chats: 5 })).toBe('limits.bytes');
    const { token } = await boss.ok('keys.add', { name: 'app', limits: { chats: 5, bytes: 1_000_000, turns: 7 } });
    expect((await (await by(token)).ok('agents.list')).length).toBe(0);
    expect(await add({ name: 'free', tenant: 'acme' })).toBeTruthy();
    const { error } = await boss.call('keys.rotate', { name: 'free' });
    expect(error.data.issues[0].path).toBe('limits.chats');
  });

  const BAD: [limits: unknown, why: RegExp][] = [
    [{}, /names at least one/],
    [{ chat: 5 }, /[Uu]nrecognized key: "chat"/],
    [{ 'identity.chats': 5 }, /[Uu]nrecognized key/],
    [{ agents: 5 }, /[Uu]nrecognized key/],
    [{ chats: 0 }, />=1/],
    [{ chats: 1.5 }, /int/],
    [{ chats: '5' }, /number/],
    [{ chats: 1e13 }, /<=1000000000000/],
    [[5], /object/],
  ];
  test.each(BAD)('that would be %j is refused, and says why', async (limits, why) => {
    const { chief } = await startKeys();
    const { error } = await chief.call('keys.add', { name: 'app', limits });
    expect(error.code).toBe(-32602);
    expect(error.message).toMatch(why);
    expect(await chief.ok('keys.list')).toEqual([]);
  });
});

describe('when a key was last used', () => {
  /** Keeps what it is told, and how often. */
  function store(kept: KeyRecord[] = []) {
    const saves: KeyRecord[][] = [];
    return {
      saves,
      load: () => structuredClone(kept),
      save: (records: readonly KeyRecord[]) => void saves.push([...records]),
    };
  }
  const HOUR = 3_600_000;
  const lastUse = async (chief: LinkedClient): Promise<unknown> => (await chief.ok('keys.list'))[0].last_used_at;

  test('is told of it, and kept with the next change, within an hour or so, and at the end', async () => {
    const keyStore = store();
    const { chief, add, by, tries, advance, broker } = await startKeys({ keyStore });
    const token = await add({ name: 'app' });
    expect(await lastUse(chief)).toBeUndefined();
    await advance(60_000);
    const app = await by(token);
    expect(await lastUse(chief)).toBe('1970-01-01T00:01:00.000Z');
    expect(keyStore.saves).toHaveLength(1);
    await advance(2 * HOUR);
    // Not used since: there is nothing more to keep than that first use.
    const kept = () => keyStore.saves.at(-1)?.[0]?.last_used_at;
    expect([keyStore.saves.length, kept()]).toEqual([1, undefined]);
    app.close();
    await tries({ token });
    await advance(10_000);
    expect([keyStore.saves.length, kept()]).toEqual([2, '1970-01-01T02:01:00.000Z']);
    await tries({ token });
    await advance(10_000);
    expect(keyStore.saves).toHaveLength(2);
    await broker.close();
    expect([keyStore.saves.length, kept()]).toEqual([3, '1970-01-01T02:01:10.000Z']);
  });

  test('comes back with the store, and goes on over a rotation; a refused token is no use', async () => {
    const before = { last_used_at: '1969-12-31T00:00:00.000Z', created_at: '1969-12-01T00:00:00.000Z' };
    const record = {
      tenant: 'default',
      name: 'app',
      sub: 'app',
      scopes: ['chat' as const],
      token_hash: '0a'.repeat(32),
    };
    const { chief, tries, advance } = await startKeys({ keyStore: store([{ ...record, ...before }]) });
    expect(await lastUse(chief)).toBe(before.last_used_at);
    const { token, key } = await chief.ok('keys.rotate', { name: 'app' } satisfies InputOf<'keys.rotate'>);
    expect(key.last_used_at).toBe(before.last_used_at);
    await tries({ token: `${token.slice(0, -4)}AAAA` });
    expect(await lastUse(chief)).toBe(before.last_used_at);
    await advance(1_000);
    await tries({ token });
    expect(await lastUse(chief)).toBe('1970-01-01T00:00:01.000Z');
  });

  test('the clock has been set back since › is kept as soon as ever', async () => {
    const record = {
      tenant: 'default',
      name: 'app',
      sub: 'app',
      scopes: ['chat' as const],
      token_hash: '0a'.repeat(32),
      created_at: '1969-12-01T00:00:00.000Z',
      last_used_at: '1970-01-02T00:00:00.000Z',
    };
    const keyStore = store([record]);
    const { chief, tries, advance } = await startKeys({ keyStore });
    const { token } = await chief.ok('keys.rotate', { name: 'app' } satisfies InputOf<'keys.rotate'>);
    await advance(1_000);
    await tries({ token });
    await advance(10_000);
    expect(keyStore.saves.at(-1)?.[0]?.last_used_at).toBe('1970-01-01T00:00:01.000Z');
  });

  test('that cannot be kept › is logged, and changes nothing else', async () => {
    const keyStore = store();
    const warned: string[] = [];
    const log = { debug() {}, info() {}, warn: (_fields: object, text: string) => void warned.push(text), error() {} };
    const { chief, add, tries, advance } = await startKeys({ keyStore, log });
    const token = await add({ name: 'app' });
    await advance(2 * HOUR);
    keyStore.save = () => {
      throw new Error('the disk is full');
    };
    expect((await tries({ token })).result).toBeDefined();
    await advance(10_000);
    expect(warned).toEqual(['when keys were last used could not be kept']);
    expect((await tries({ token })).result).toBeDefined();
    expect(await lastUse(chief)).toBe('1970-01-01T02:00:10.000Z');
  });
});
