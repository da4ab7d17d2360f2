import { afterEach, describe, expect, test, vi } from 'vitest';
import { EventShare } from '../../../actors/cluster/event-share.ts';
import type { LinkedClient } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { accepting, arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function three(): Promise<[Member, Member, Member]> {
  cluster = await startCluster(['a', 'b', 'c']);
  return cluster.members as [Member, Member, Member];
}

/** Subscribes, and gives the snapshot. */
async function subscribe(client: LinkedClient) {
  await client.ok('server.handshake', { protocol_version: 3 });
  return (await ask(client, 'host.subscribe')).result;
}

const heard = (client: LinkedClient) => client.received('host.event').map(({ params }) => params);

describe('events', () => {
  test('of all brokers are told at each, numbered without a gap for who hears them there', async () => {
    const [a, b, c] = await three();
    const windows = [await a.host(), await b.host(), await c.host()] as const;
    const snapshots = [];
    for (const window of windows) snapshots.push(await subscribe(window));
    for (const [at, window] of windows.entries()) {
      await window.ok('host.notify', { message: `from ${at}`, payload: { at } });
      await arrive();
    }
    for (const [at, window] of windows.entries()) {
      const from = snapshots[at].event_sequence;
      expect(heard(window).map(({ sequence, message, payload }) => [sequence, message, payload])).toEqual([
        [from + 1, 'from 0', { at: 0 }],
        [from + 2, 'from 1', { at: 1 }],
        [from + 3, 'from 2', { at: 2 }],
      ]);
    }
    expect(new Set(snapshots.map(({ events_epoch }) => events_epoch)).size).toBe(3);
    expect((await windows[0].ok('host.events')).events.at(-1).message).toBe('from 2');
  });

  test('of one broker come in its order, each once', async () => {
    const [a, b] = await three();
    const window = await a.host();
    await subscribe(window);
    const other = await b.host();
    for (let at = 0; at < 200; at += 1) other.post('host.notify', { message: String(at) });
    await arrive();
    await cluster.pass(1);
    expect(heard(window).map(({ message }) => message)).toEqual(Array.from({ length: 200 }, (_, at) => String(at)));
  });

  test('exist at every broker for those alone for whom they do', async () => {
    const [a, b, c] = await three();
    const manager = await a.manager();
    const tokenOf = async (name: string, more: object = {}) =>
      (await ask(manager, 'keys.add', { name, ...more })).result.token;
    const [ann, bob] = [await tokenOf('ann'), await tokenOf('bob')];
    const all = await tokenOf('eve', { scopes: ['observe'] });
    const few = await tokenOf('fay', { scopes: ['observe'], agents: ['other'] });
    const watchers = [];
    for (const token of [ann, bob, all, few]) watchers.push(await enter(b, { token }));
    for (const watcher of watchers) await subscribe(watcher);
    const agent = await a.agent('bot');
    await arrive();
    const person = await enter(c, { token: ann });
    person.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const { session_id } = await accepting(agent);
    const chats = watchers.map((watcher) =>
      heard(watcher).flatMap(({ kind, payload }) => (kind.startsWith('chat.') ? [payload] : [])),
    );
    expect(chats).toMatchObject([
      [{ session_id: 's' }],
      [],
      // Another's, by its agent's name for it.
      [{ session_id }],
      [],
    ]);
    expect(session_id).not.toBe('s');
    expect(chats[0]?.[0]).toMatchObject({ host_client_id: expect.stringContaining('client-') });
    const attached = watchers.map((watcher) => heard(watcher).filter(({ kind }) => kind === 'agent.attached').length);
    expect(attached).toEqual([1, 1, 1, 0]);
  });

  test('that a broker was not told are said to be missing there, once it can be', async () => {
    const [a, b] = await three();
    const window = await a.host();
    await subscribe(window);
    const other = await b.host();
    cluster.net.silent.add('b');
    await other.ok('host.notify', { message: 'on its way' });
    await cluster.pass(15);
    await other.ok('host.notify', { message: 'to nobody' });
    cluster.net.silent.delete('b');
    await cluster.pass(8);
    const kinds = heard(window).map(({ kind, payload }) => [kind, payload.broker]);
    expect(kinds).toContainEqual(['cluster.events_missed', 'b']);
    const numbers = heard(window).map(({ sequence }) => sequence);
    expect(numbers).toEqual(numbers.map((_, at) => numbers[0] + at));
    await other.ok('host.notify', { message: 'again' });
    await arrive();
    expect(heard(window).at(-1).message).toBe('again');
  });
});

test('a broker that was dead for a minute is forgotten, and told that it has missed events where it is back after all', async () => {
  const [a, b, c] = await three();
  const forgotten = vi.spyOn(EventShare.prototype, 'forgotten');
  await cluster.pass(2);
  const sent = async () => (await readMetric(a.broker, 'cluster_messages_total'))[''] ?? 0;
  b.kill();
  await cluster.pass(30);
  expect(forgotten).not.toHaveBeenCalled();
  const before = await sent();
  await cluster.pass(40);
  // By each of the two that are left, and nobody else is.
  expect(forgotten.mock.calls).toEqual([['b'], ['b']]);
  forgotten.mockRestore();
  expect(await sent()).toBeGreaterThanOrEqual(before);
  await (await a.host()).ok('host.notify', { message: 'to nobody' });
  const again = await cluster.start('b');
  await cluster.pass(3);
  const said = (await (await again.host()).ok('host.events')).events;
  expect(said).toContainEqual(expect.objectContaining({ kind: 'cluster.events_missed', payload: { broker: 'a' } }));
  expect((await (await c.host()).ok('host.events')).events.at(-1).message).toBe('to nobody');
});

describe('events that are lost with a link', () => {
  test('are said to be missing, once there is another, although nothing has happened since', async () => {
    const [a, b] = await three();
    const window = await a.host();
    await subscribe(window);
    const other = await b.host();
    await other.ok('host.notify', { message: 'heard' });
    await arrive();
    cluster.net.silent.add('b');
    await other.ok('host.notify', { message: 'on its way' });
    await cluster.pass(15);
    cluster.net.silent.delete('b');
    await cluster.pass(8);
    expect(heard(window).map(({ kind, message }) => (kind === 'host.notification' ? message : kind))).toEqual([
      'heard',
      'cluster.events_missed',
    ]);
  });
});

describe('a snapshot', () => {
  test('has the agents and the approvals of all brokers', async () => {
    const [a, b, c] = await three();
    await b.agent('bot');
    await arrive();
    const asker = await c.host();
    const { id } = await asker.ok('host.request_approval', { action: 'deploy', details: { to: 'there' } });
    const settled = await asker.ok('host.request_approval', { action: 'clean up' });
    const manager = await c.manager();
    await manager.ok('host.resolve_approval', { approval_id: settled.id, resolution: 'deny' });
    const window = await a.host();
    const snapshot = await subscribe(window);
    expect(snapshot.agents).toMatchObject([{ id: 'bot', kind: 'attached' }]);
    expect(snapshot.approvals.map((row: { id: string; status: string }) => [row.id, row.status])).toEqual([
      [settled.id, 'denied'],
      [id, 'pending'],
    ]);
  });

  test('is asked for again where an approval of another broker has come meanwhile', async () => {
    const [a, b, c] = await three();
    const asker = await c.host();
    const window = await a.host();
    await window.ok('server.handshake', { protocol_version: 3 });
    // The first answer of c's is on its way when this happens; b answers late.
    const id = window.post('host.subscribe');
    const requested = asker.ok('host.request_approval', { action: 'deploy' });
    await arrive();
    const { id: approval } = await requested;
    const { approvals, event_sequence } = window.replyTo(id).result;
    const later = heard(window).filter(({ sequence }) => sequence > event_sequence);
    const known = [...approvals.map((row: { id: string }) => row.id), ...later.map(({ payload }) => payload.id)];
    expect(known).toEqual([approval]);
    await b.host();
  });
});
