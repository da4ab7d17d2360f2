import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it, vi } from 'vitest';
import { createBroker } from '../../broker.ts';
import { Line } from '../../nats/line.ts';
import { overNats } from '../../nats/open.ts';
import { Store } from '../../nats/store.ts';
import { Random } from '../../soak/load/random.ts';
import { own } from '../e2e/support/cleanup.ts';
import { Front } from '../support/front.ts';
import { LinkedClient, type Message } from '../support/linked.ts';
import { describeNats, type NatsServer, natsServers } from '../support/nats-servers.ts';
import { newCluster, optionsOf } from './support/brokers.ts';

/* Whole brokers that are one over a real nats-server, and could not hear of each other for a while, or what it has stored is lost. */

type Member = Awaited<ReturnType<typeof start>>;

/** A broker over NATS, which everybody may use. @param port where it reaches NATS */
async function start(cluster: string, id: string, port: number) {
  const options = optionsOf([{ url: `127.0.0.1:${port}` } as NatsServer], cluster, id);
  const { carrier, directory } = overNats(options);
  const broker = createBroker({ auth: false, cluster: { ...options.self, carrier, directory } });
  own(() => broker.close());
  const connect = () => new LinkedClient(broker.connect());
  return { id, broker, connect };
}

/** What somebody was answered, when he is. */
async function answered(client: LinkedClient, method: string, params: object): Promise<Message> {
  const id = client.post(method, params);
  await vi.waitFor(() => expect(client.replyTo(id)).toBeDefined(), { timeout: 40_000 });
  return client.replyTo(id);
}

async function attach({ connect }: Member, agentId: string): Promise<LinkedClient> {
  const agent = connect();
  expect((await answered(agent, 'session.auth', { agent_id: agentId, token: '', resume: true })).result).toBeDefined();
  return agent;
}

async function statusOf({ connect, broker }: Member) {
  const manager = connect();
  await answered(manager, 'session.auth', { host_token: broker.tokens.host });
  const { result } = await answered(manager, 'broker.status', {});
  manager.close();
  return result.cluster;
}

/** Waits until each has a link with all others. */
const joined = (members: readonly Member[]) =>
  vi.waitFor(async () => {
    for (const member of members) {
      const { connected, brokers } = await statusOf(member);
      expect([connected, brokers.map(({ link }: { link: boolean }) => link)]).toEqual([
        true,
        members.slice(1).map(() => true),
      ]);
    }
  });

/** Opens a turn that outlives its connections. */
async function open(host: LinkedClient, agent: LinkedClient, agentId: string, session: string) {
  const before = agent.received('agent.chat').length;
  const chat = { agent_id: agentId, prompt: 'hi', session_id: session, resume_window_ms: 60_000 };
  const asked = answered(host, 'agents.chat', chat);
  await vi.waitFor(() => expect(agent.received('agent.chat')).toHaveLength(before + 1));
  agent.answer(agent.lastChat(), { accepted: true });
  expect((await asked).result).toMatchObject({ accepted: true });
  const { session_id, turn_id } = agent.lastChat().params;
  const say = (aseq: number, event: object) => agent.emit(session_id, { ...event, turn_id, aseq });
  return { turn_id, session_id, say };
}

const heard = (host: LinkedClient, session: string) =>
  host.events(session).map(({ kind, seq, delta, code }) => [kind, seq, delta ?? code]);

describeNats('over a real nats-server', () => {
  let server: NatsServer;
  let port = 0;
  beforeAll(async () => {
    [server] = (await natsServers(1)) as [NatsServer];
    port = Number(server.url.split(':')[1]);
  });

  it('split brain: a broker that is cut off, and whose agent moves › the turn goes on where the agent is, no word twice, when both can hear of each other', async () => {
    const cluster = newCluster();
    const front = await Front.of([port], new Random(1));
    const [a, b] = [await start(cluster, 'a', front.port), await start(cluster, 'b', port)];
    await joined([a, b]);
    const older = await attach(a, 'bot');
    const host = b.connect();
    await vi.waitFor(async () =>
      expect((await answered(host, 'agents.list', {})).result).toMatchObject([{ attached: true }]),
    );
    const turn = await open(host, older, 'bot', 's');
    turn.say(1, { kind: 'token', delta: 'one' });
    await vi.waitFor(() => expect(heard(host, 's')).toEqual([['token', 1, 'one']]));

    front.targets = [];
    front.cut();
    await vi.waitFor(async () => expect((await statusOf(b)).brokers).toMatchObject([{ status: 'dead' }]));
    // What was on its way when it moved is of the same agent: that broker alone has it.
    turn.say(2, { kind: 'token', delta: 'two' });
    const newer = await attach(b, 'bot');
    const { turn_id, session_id } = turn;
    const resumed = answered(newer, 'agent.resume', { turns: [{ turn_id, session_id, kept_from: 1, next: 3 }] });
    front.targets = [port];
    expect((await resumed).result.turns).toMatchObject([{ status: 'resumed', after: 2 }]);
    expect(older.closed).toBe(4409);
    newer.emit(session_id, { kind: 'token', delta: 'three', turn_id, aseq: 3 });
    newer.emit(session_id, { kind: 'done', text: 'onetwothree', turn_id, aseq: 4 });
    await vi.waitFor(() => expect(heard(host, 's').at(-1)).toEqual(['done', 4, undefined]));
    expect(heard(host, 's').filter(([, seq]) => seq !== undefined)).toEqual([
      ['token', 1, 'one'],
      ['token', 2, 'two'],
      ['token', 3, 'three'],
      ['done', 4, undefined],
    ]);
  });

  it('session conflict: two turns in one session that began while NATS was away › the older goes on, the younger ends with `session_conflict`', async () => {
    const cluster = newCluster();
    const members = [await start(cluster, 'a', port), await start(cluster, 'b', port)] as const;
    await joined(members);
    const [north, south] = [await attach(members[0], 'north'), await attach(members[1], 'south')];
    const hosts = members.map(({ connect }) => connect()) as [LinkedClient, LinkedClient];
    await server.kill();
    for (const member of members) await vi.waitFor(async () => expect((await statusOf(member)).connected).toBe(false));
    const older = await open(hosts[0], north, 'north', 's');
    const younger = await open(hosts[1], south, 'south', 's');
    server.start();
    await server.ready();
    await vi.waitFor(() => expect(heard(hosts[1], 's')).toEqual([['error', 1, 'session_conflict']]));
    expect(south.received('agent.chat.cancel').map(({ params }) => [params.turn_id, params.reason])).toEqual([
      [younger.turn_id, 'replaced'],
    ]);
    older.say(1, { kind: 'done', text: '' });
    await vi.waitFor(() => expect(heard(hosts[0], 's')).toEqual([['done', 1, undefined]]));
    // Whoever comes next has it, at the broker whose turn was the younger, too.
    const chats = () => south.received('agent.chat').length;
    await vi.waitFor(async () => {
      const id = hosts[1].post('agents.chat', { agent_id: 'south', prompt: 'hi', session_id: 's' });
      await vi.waitFor(() => expect(chats() > 1 || hosts[1].replyTo(id)?.error).toBeTruthy());
      expect(chats()).toBe(2);
    });
  });

  it('stale KV: a claim that the store has lost › costs a busy check, and no word of either turn', async () => {
    const cluster = newCluster();
    const members = [await start(cluster, 'a', port), await start(cluster, 'b', port)] as const;
    await joined(members);
    const [north, south] = [await attach(members[0], 'north'), await attach(members[1], 'south')];
    const hosts = members.map(({ connect }) => connect()) as [LinkedClient, LinkedClient];
    const one = await open(hosts[0], north, 'north', 's');
    const chat = { agent_id: 'south', prompt: 'hi', session_id: 's' };
    expect((await answered(hosts[1], 'agents.chat', chat)).error.code).toBe(-32010);
    const line = await Line.open(optionsOf([server], cluster, `x-${randomUUID()}`), 'test');
    own(() => line.close());
    await (await Store.open(line, 1)).jsm.streams.purge(`KV_SB_${cluster}_SES`);
    const other = await open(hosts[1], south, 'south', 's');
    for (const [n, { say }] of [one, other].entries()) {
      say(1, { kind: 'token', delta: String(n) });
      say(2, { kind: 'done', text: String(n) });
    }
    for (const [n, host] of hosts.entries())
      await vi.waitFor(() =>
        expect(heard(host, 's')).toEqual([
          ['token', 1, String(n)],
          ['done', 2, undefined],
        ]),
      );
  });
});
