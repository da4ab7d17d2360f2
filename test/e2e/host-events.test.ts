import { beforeAll, describe, expect, it } from 'vitest';
import { openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { eventsOf, heard, subscribe } from './support/tools.ts';
import type { Message } from './support/wire-client.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
});

const from = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);
const sequences = (events: Message[]): number[] => events.map(({ sequence }) => sequence);

describe('host.subscribe', () => {
  it('needs a handshake: -32005, and nothing is heard', async () => {
    const [client, other] = [await daemon.host(), await daemon.host()];
    expect((await client.call('host.subscribe', {})).error.code).toBe(-32005);
    await other.ok('host.notify', { message: 'x' });
    await client.settled();
    expect(eventsOf(client)).toEqual([]);
    expect(await subscribe(client)).toMatchObject({
      subscribed: true,
      devices: [],
      identity: { version: daemon.announced.version, pid: daemon.announced.pid },
    });
  });

  it('misses nothing and tells nothing twice, whoever joins while everything happens', async () => {
    const PRODUCERS = 4;
    const EVENTS = 150;
    let isOver = false;
    const producing = Promise.all(
      from(0, PRODUCERS).map(async (producer) => {
        const client = await daemon.host();
        for (let n = 0; n < EVENTS; n++) await client.ok('host.notify', { message: `${producer}`, payload: { n } });
      }),
    ).finally(() => {
      isOver = true;
    });
    const chatting = (async () => {
      const [host, agent] = [await daemon.host(), await daemon.agent('busy')];
      while (!isOver) {
        const chat = await openChat(host, agent, { agent_id: 'busy' });
        chat.emit({ kind: 'done', finish_reason: 'stop' });
        await host.terminal(chat.turnId);
      }
    })();
    // Each joins as soon as the one before is there, all through the crowd.
    const joined: { snapshot: Message; client: Awaited<ReturnType<Daemon['host']>> }[] = [];
    while (!isOver && joined.length < 30) {
      const client = await daemon.host();
      joined.push({ client, snapshot: await subscribe(client) });
    }
    await Promise.all([producing, chatting]);
    expect(joined.length).toBeGreaterThan(3);
    const last = await (await daemon.host()).ok('host.notify', { message: 'the last' });
    for (const { snapshot, client } of joined) {
      await heard(client, ({ id }) => id === last.id);
      const { events, event_sequence: seen } = snapshot;
      const kept = sequences(events);
      expect(kept).toEqual(from(seen - kept.length + 1, kept.length));
      const live = sequences(eventsOf(client)).filter((sequence) => sequence > seen);
      expect(live).toEqual(from(seen + 1, last.sequence - seen));
    }
    // Everybody heard the same.
    const [{ client: first }, { client: second }] = joined as [(typeof joined)[0], (typeof joined)[0]];
    const common = eventsOf(second).filter(({ sequence }) => sequence > joined[1]?.snapshot.event_sequence);
    expect(eventsOf(first).slice(-common.length)).toEqual(common);
    const told = eventsOf(first).filter(({ payload }) => typeof payload?.n === 'number');
    for (const producer of from(0, PRODUCERS)) {
      const own = told.filter(({ message }) => message === `${producer}`).map(({ payload }) => payload.n);
      expect(own).toEqual(from(EVENTS - own.length, own.length));
    }
  });

  it('tells what happens to agents, chats and approvals, in order', async () => {
    const alone = await startDaemon();
    const watcher = await alone.manager();
    await subscribe(watcher);
    const [host, agent] = [await alone.host(), await alone.agent('a')];
    const chat = await openChat(host, agent, { agent_id: 'a' });
    chat.emit({ kind: 'approval_pending', approval_id: 'ask', action: 'go on' });
    chat.emit({ kind: 'approval_resolved', approval_id: 'ask', resolution: 'deny' });
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    await host.terminal(chat.turnId);
    agent.close();
    await heard(watcher, ({ kind }) => kind === 'agent.detached');
    const events = eventsOf(watcher);
    const known = events.map(({ kind }) => kind).filter((kind) => kind !== 'agent.status_changed');
    expect(known).toEqual([
      'agent.attached',
      'chat.started',
      'approval.requested',
      'approval.resolved',
      'chat.ended',
      'agent.detached',
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ id: expect.any(String), agent_id: 'a', message: expect.any(String) });
      expect(new Date(event.timestamp).toISOString()).toBe(event.timestamp);
    }
    expect((await host.ok('host.events', {})).events.map(({ id }: Message) => id)).toEqual(events.map(({ id }) => id));
  });
});

describe('host.events', () => {
  it('gives the newest, oldest first, of the 500 that are kept', async () => {
    const client = await daemon.host();
    const posted = from(0, 510).map((n) => client.post('host.notify', { message: `${n}` }));
    const last = (await client.replyTo(posted.at(-1))).result;
    const all = (await client.ok('host.events', { limit: 500 })).events;
    expect(sequences(all)).toEqual(from(last.sequence - 499, 500));
    expect(all.at(-1)).toEqual(last);
    expect((await client.ok('host.events', {})).events).toHaveLength(100);
    expect((await client.call('host.events', { limit: 501 })).error.code).toBe(-32602);
  });

  it('come from clients under any kind but the broker’s own, and an agent’s bear its id', async () => {
    const [host, agent] = [await daemon.host(), await daemon.agent('teller')];
    expect((await host.call('host.notify', { kind: 'chat.ended', message: 'forged' })).error.code).toBe(-32602);
    const event = await agent.ok('host.notify', { kind: 'my.own', agent_id: 'busy', payload: [null] });
    expect(event).toMatchObject({ kind: 'my.own', agent_id: 'teller', payload: [null] });
  });
});

describe('an agent that a host registers', () => {
  it('is its own to change, and goes when it goes, as everybody hears', async () => {
    const [owner, other, watcher] = [await daemon.host(), await daemon.host(), await daemon.host()];
    await subscribe(watcher);
    const agent = await owner.ok('host.register_agent', { id: 'built', name: 'Builder', kind: 'worker' });
    expect(agent).toMatchObject({ id: 'built', name: 'Builder', kind: 'worker', current_task: null });
    const status = { agent_id: 'built', status: 'running', current_task: 'the roof' };
    expect((await other.call('host.set_status', status)).error.code).toBe(-32015);
    expect((await other.call('host.unregister_agent', { agent_id: 'built' })).error.code).toBe(-32015);
    expect(await owner.ok('host.set_status', status)).toMatchObject({ status: 'running', current_task: 'the roof' });
    expect(await other.ok('host.agents', {})).toContainEqual(
      expect.objectContaining({ id: 'built', status: 'running' }),
    );
    owner.socket.terminate();
    await heard(watcher, ({ kind, agent_id }) => kind === 'agent.unregistered' && agent_id === 'built');
    await settle(other);
    expect((await other.ok('host.agents', {})).map(({ id }: Message) => id)).not.toContain('built');
    const kinds = eventsOf(watcher).filter(({ agent_id }) => agent_id === 'built');
    expect(kinds.map(({ kind }) => kind)).toEqual(['agent.registered', 'agent.status_changed', 'agent.unregistered']);
  });
});
