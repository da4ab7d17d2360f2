import { describe, expect, test } from 'vitest';
import type { Client } from '../../../actors/kernel/client.ts';
import type { BrokerClock } from '../../../actors/kernel/deadlines.ts';
import { LimitBook } from '../../../actors/kernel/shared-limits.ts';
import type { Link } from '../../../broker.ts';
import type { Identity } from '../../../machines/connection.machine.ts';
import type { SharedLimits } from '../../../protocol/shared-limits.ts';
import { StubbornLink, startInternals } from '../../support/internals.ts';

/** A link that is a socket as far as the broker knows, and says when it is read. */
function socket(kind: Link['kind'] = 'tcp') {
  const link: StubbornLink & { isPaused: boolean; pause(): void; resume(): void } = Object.assign(new StubbornLink(), {
    isPaused: false,
    pause: () => void Object.assign(link, { isPaused: true }),
    resume: () => void Object.assign(link, { isPaused: false }),
  });
  Object.assign(link, { kind });
  return link;
}

/** A broker, and whoever is said to come by a socket. */
function scene(sharedLimits: SharedLimits) {
  const lines: { limit?: string }[] = [];
  const note = (fields: object) => void lines.push(fields);
  const log = { debug: () => {}, info: note, warn: note, error: note };
  const internals = startInternals({ sharedLimits, log });
  const by = (identity: Identity, kind: Link['kind'] = 'tcp') => {
    const link = socket(kind);
    internals.open(link, identity);
    return link;
  };
  return { ...internals, by, lines };
}

const person = (sub: string, tenant = 'acme'): Identity => ({ role: 'client', principal: { sub, tenant } });
const agent = (agentId: string, tenant = 'acme'): Identity => ({
  role: 'agent',
  agentId,
  principal: { sub: `agent:${agentId}`, tenant },
});
const LIST = { id: 1, method: 'agents.list', params: {} };
const large = (bytes: number) => ({ ...LIST, params: { x: 'x'.repeat(bytes) } });

describe('connections › beyond the limit', () => {
  test('of one person › are closed with 4429 and logged, until one of them goes', () => {
    const { by, lines, state } = scene({ 'identity.connections': 2 });
    const [first, second, third] = [by(person('ann')), by(person('ann')), by(person('ann'))];
    expect([first.closeCode, second.closeCode, third.closeCode]).toEqual([undefined, undefined, 4429]);
    expect(by(person('bob')).closeCode).toBeUndefined();
    expect(lines.filter(({ limit }) => limit === 'identity.connections')).toMatchObject([
      { tenant: 'acme', sub: 'ann', most: 2 },
    ]);
    expect(state.shared.reached.get('identity.connections')).toBe(1);
    first.terminate();
    expect(by(person('ann')).closeCode).toBeUndefined();
    expect(by(person('ann')).closeCode).toBe(4429);
  });

  test('inside this process › are none', () => {
    const { by } = scene({ 'identity.connections': 1 });
    expect(by(person('ann'), 'memory').closeCode).toBeUndefined();
    expect(by(person('ann'), 'memory').closeCode).toBeUndefined();
    expect(by(person('ann')).closeCode).toBeUndefined();
    expect(by(person('ann')).closeCode).toBe(4429);
  });

  test('of one tenant › are counted together, its agents too', () => {
    const { by } = scene({ 'tenant.connections': 2 });
    by(person('ann'));
    const echo = by(agent('echo'));
    expect(by(person('bob')).closeCode).toBe(4429);
    expect(by(agent('other')).closeCode).toBe(4429);
    expect(by(person('bob', 'other')).closeCode).toBeUndefined();
    // A newer connection of the same agent takes its place.
    expect(by(agent('echo')).closeCode).toBeUndefined();
    expect(echo.closeCode).toBe(4409);
  });

  test('by session.auth › hear why, and then are closed', async () => {
    const internals = startInternals({
      sharedLimits: { 'identity.connections': 1 },
      auth: () => ({ sub: 'ann', tenant: 'acme' }),
    });
    const join = async () => {
      const link = socket();
      internals.open(link);
      link.deliver({ id: 1, method: 'session.auth', params: { token: 't' } });
      await new Promise((resolve) => setImmediate(resolve));
      return link;
    };
    const first = await join();
    expect(first.closeCode).toBeUndefined();
    const second = await join();
    expect(JSON.parse(second.sent.at(-1) ?? '')).toMatchObject({
      id: 1,
      error: { code: -32020, data: { limit: { name: 'identity.connections', value: 1 } } },
    });
    expect(second.closeCode).toBe(4429);
    first.terminate();
    expect((await join()).closeCode).toBeUndefined();
  });
});

describe('bytes › beyond what may be read in a second', () => {
  test('of one person › hold up each connection of theirs that goes on, until they are paid for', () => {
    const { by, clock } = scene({ 'identity.bytes': 10_000 });
    const [one, two, other] = [by(person('ann')), by(person('ann')), by(person('bob'))];
    one.deliver(large(29_900));
    expect(one.isPaused).toBe(true);
    // It is read, and then has to wait as well.
    expect(two.isPaused).toBe(false);
    two.deliver(LIST);
    expect(two.sent).toHaveLength(1);
    expect(two.isPaused).toBe(true);
    other.deliver(LIST);
    expect(other.isPaused).toBe(false);
    clock.increment(1_900);
    expect([one.isPaused, two.isPaused]).toEqual([true, true]);
    clock.increment(200);
    expect([one.isPaused, two.isPaused]).toEqual([false, false]);
    expect(one.closeCode).toBeUndefined();
  });

  test('of one tenant › hold up each of its people and agents, and no other tenant’s', () => {
    const { by } = scene({ 'tenant.bytes': 10_000 });
    const [ann, bob, echo, other] = [by(person('ann')), by(person('bob')), by(agent('echo')), by(person('x', 'other'))];
    ann.deliver(large(20_000));
    for (const link of [bob, echo, other]) link.deliver(LIST);
    expect([ann, bob, echo, other].map(({ isPaused }) => isPaused)).toEqual([true, true, true, false]);
  });

  test('binary frames › count, too', () => {
    const { by } = scene({ 'identity.bytes': 10_000 });
    const ann = by(person('ann'));
    ann.handlers?.binary(new Uint8Array(20_000));
    expect(ann.isPaused).toBe(true);
  });

  test('whoever goes and comes back › still owes them', () => {
    const { by, state, clock } = scene({ 'identity.bytes': 10_000 });
    const ann = by(person('ann'));
    ann.deliver(large(50_000));
    ann.terminate();
    state.shared.sweep(clock.now());
    const again = by(person('ann'));
    again.deliver(LIST);
    expect(again.isPaused).toBe(true);
  });
});

describe('deltas › of an agent beyond what it may send in a second', () => {
  const token = { method: 'agent.chat.event', params: { session_id: 's', kind: 'token', delta: 'x' } };

  test('agent.deltas › hold it up, and no other agent', () => {
    const { by, clock } = scene({ 'agent.deltas': 10 });
    const [echo, other] = [by(agent('echo')), by(agent('other'))];
    for (let n = 0; n < 10; n += 1) echo.deliver(token);
    expect(echo.isPaused).toBe(false);
    echo.deliver(token);
    other.deliver(token);
    expect([echo.isPaused, other.isPaused]).toEqual([true, false]);
    clock.increment(120);
    expect(echo.isPaused).toBe(false);
  });

  test('tenant.deltas › hold up all agents of the tenant that go on', () => {
    const { by } = scene({ 'tenant.deltas': 10 });
    const [echo, second, other] = [by(agent('echo')), by(agent('second')), by(agent('echo', 'other'))];
    for (let n = 0; n < 11; n += 1) echo.deliver(token);
    second.deliver(token);
    other.deliver(token);
    expect([echo, second, other].map(({ isPaused }) => isPaused)).toEqual([true, true, false]);
  });
});

describe('what is known of those who are limited', () => {
  test('is forgotten when they are gone and owe nothing', () => {
    const { by, state, clock } = scene({ 'identity.chats': 1, 'identity.bytes': 1_000, 'tenant.chats': 1 });
    const links = Array.from({ length: 100 }, (_, n) => by(person(`p-${n}`)));
    links[0]?.deliver(large(5_000));
    expect(state.shared.size).toBe(101);
    for (const link of links.slice(0, 99)) link.terminate();
    state.shared.sweep(clock.now());
    // Who is there, who owes, and the tenant.
    expect(state.shared.size).toBe(3);
    links[99]?.terminate();
    clock.increment(10_000);
    state.shared.sweep(clock.now());
    expect(state.shared.size).toBe(0);
  });

  test('where they owe for ever › is bounded: the oldest is forgiven', () => {
    const book = new LimitBook({ 'identity.bytes': 1 }, { now: () => 0 } as BrokerClock);
    const owe = (sub: string) => {
      const client = { identity: person(sub), link: socket() } as unknown as Client;
      book.enter(client);
      const owed = client.accounts?.owed(0) !== undefined;
      client.accounts?.spend('bytes', 0, 100);
      book.leave(client);
      return owed;
    };
    for (let n = 0; n < 10_010; n += 1) owe(`p-${n}`);
    book.sweep(0);
    expect(book.size).toBe(10_000);
    expect(owe('p-0')).toBe(false);
    expect(owe('p-10')).toBe(true);
  });

  test('nobody, where no limit is set', () => {
    const { by, state } = scene({});
    by(person('ann'));
    expect(state.shared.size).toBe(0);
  });
});
