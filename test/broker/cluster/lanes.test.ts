import { afterEach, describe, expect, it, test } from 'vitest';
import { GuestLink } from '../../../actors/cluster/guest-link.ts';
import { type Lane, Lanes, MAX_LANES_BYTES } from '../../../actors/cluster/lanes.ts';
import type { Entry, StreamToken } from '../../../link/entries.ts';
import type { PeerLink } from '../../../link/peer-link.ts';
import { scrape } from '../../support/metrics.ts';
import { accepting, arrive, type Member, startCluster } from './support/brokers.ts';

const MiB = 1024 * 1024;
let cluster: Awaited<ReturnType<typeof startCluster>> | undefined;
afterEach(() => cluster?.end());

/** Two turns of agents at broker b, with hosts at broker a, each agent and host a connection of its own. */
async function twoTurns(limits: Record<string, number> = {}) {
  const started = await startCluster(['a', 'b'], { limits });
  cluster = started;
  const [a, b] = started.members as [Member, Member];
  const turn = async (id: string) => {
    const agent = await b.agent(id);
    await arrive();
    const host = await a.host();
    host.post('agents.chat', { agent_id: id, prompt: 'hi', session_id: id });
    await accepting(agent);
    const emit = (event: object) => agent.emit(id, event);
    return { agent, host, emit, events: () => host.events(id) };
  };
  return { net: started.net, pass: started.pass, much: await turn('much'), little: await turn('little') };
}

describe('where the link takes no more for now', () => {
  test('what is for one connection waits, all of it arrives in order, and nobody else is kept waiting or ended', async () => {
    const { net, much, little } = await twoTurns();
    const letGo = net.hold('b', 'a');
    const long = 'x'.repeat(MiB);
    for (let n = 0; n < 12; n += 1) much.emit({ kind: 'status', text: `${n} ${long}` });
    for (let n = 0; n < 500; n += 1) much.emit({ kind: 'token', delta: `${n} ` });
    little.emit({ kind: 'token', delta: 'on' });
    much.emit({ kind: 'done' });
    letGo();
    await arrive();
    expect(little.events()).toMatchObject([{ kind: 'token', delta: 'on' }]);
    const kinds = (kind: string) => much.events().filter((event) => event.kind === kind);
    expect(kinds('status').map(({ text }) => Number.parseInt(text, 10))).toEqual([...Array(12).keys()]);
    const said = kinds('token');
    expect(said.map(({ delta }) => delta).join('')).toBe([...Array(500).keys()].map((n) => `${n} `).join(''));
    // More than the soft limit waited: they were joined.
    expect(said.length).toBeLessThan(500);
    expect(much.events().at(-1)).toMatchObject({ kind: 'done' });
  });

  test('a message longer than all that brokers may have waiting for each other arrives, either way', async () => {
    const { much, little } = await twoTurns();
    const long = 'x'.repeat(14 * MiB);
    much.emit({ kind: 'status', text: long });
    little.emit({ kind: 'token', delta: 'on' });
    await arrive();
    expect(much.events().map(({ text }) => text?.length)).toEqual([long.length]);
    much.host.post('agents.chat', { agent_id: 'much', prompt: long, session_id: 'next' });
    await accepting(much.agent);
    expect(much.agent.received('agent.chat').at(-1)?.params.prompt).toHaveLength(long.length);
    expect(little.events()).toMatchObject([{ kind: 'token', delta: 'on' }]);
  });

  test('whoever has more than 32 MiB waiting ends, alone', async () => {
    const { net, pass, much, little } = await twoTurns();
    const letGo = net.hold('b', 'a');
    const long = 'x'.repeat(MiB);
    for (let n = 0; n < 40; n += 1) much.emit({ kind: 'status', text: long });
    little.emit({ kind: 'token', delta: 'on' });
    letGo();
    await arrive();
    await pass(1);
    expect(much.events().at(-1)).toMatchObject({ kind: 'error', code: 'peer_lost' });
    expect([much.host.closed, little.host.closed, much.agent.closed]).toEqual([undefined, undefined, undefined]);
    little.emit({ kind: 'done' });
    await arrive();
    expect(little.events()).toMatchObject([{ kind: 'token', delta: 'on' }, { kind: 'done' }]);
  });

  test('a request that would be too much is refused, and may be made again', async () => {
    const { net, much } = await twoTurns();
    const letGo = net.hold('a', 'b');
    const ask = () => much.host.post('agents.chat', { agent_id: 'much', prompt: 'x'.repeat(10 * MiB) });
    const ids = [ask(), ask(), ask(), ask(), ask()];
    await arrive();
    const refused = { code: -32020, data: { limit: { name: 'peer_waiting_bytes' }, retry_after_ms: 1_000 } };
    expect(ids.map((id) => much.host.replyTo(id)?.error).filter(Boolean)).toMatchObject([refused]);
    letGo();
    await arrive();
    const asked = () => much.agent.received('agent.chat').length;
    expect(asked()).toBe(5);
    ask();
    await arrive();
    expect(asked()).toBe(6);
  });

  test('brokers tell each other what happens as if nothing waited, and lose no link for it', async () => {
    const { net, much, little } = await twoTurns();
    const [a, b] = (cluster?.members ?? []) as [Member, Member];
    const manager = await a.manager();
    await manager.ok('server.handshake', { protocol_version: 3 });
    await manager.ok('host.subscribe', {});
    const letGo = net.hold('a', 'b');
    // Nothing is acknowledged: two messages that together are more than 8 MiB, and 30 that wait.
    for (let n = 0; n < 2; n += 1) much.emit({ kind: 'status', text: 'x'.repeat(3.99 * MiB) });
    for (let n = 0; n < 20; n += 1) much.emit({ kind: 'status', text: 'x'.repeat(MiB) });
    for (let n = 0; n < 5; n += 1) await b.agent(`other-${n}`);
    await arrive();
    const seen = manager.received('host.event').map(({ params }) => params);
    expect(seen.filter(({ kind }) => kind === 'agent.attached')).toHaveLength(5);
    expect(seen.filter(({ kind }) => kind === 'cluster.events_missed')).toEqual([]);
    letGo();
    await arrive();
    little.emit({ kind: 'done' });
    much.emit({ kind: 'done' });
    await arrive();
    expect([much, little].map(({ events }) => events().at(-1)?.kind)).toEqual(['done', 'done']);
    expect(much.events()).toHaveLength(23);
  });

  test('nothing of a link that is lost waits any more', async () => {
    const { net, pass, much } = await twoTurns();
    const [, b] = (cluster?.members ?? []) as [Member, Member];
    net.hold('b', 'a');
    for (let n = 0; n < 20; n += 1) much.emit({ kind: 'status', text: 'x'.repeat(MiB / 2) });
    await arrive();

    const waiting = async () => Number(/cluster_waiting_bytes (\d+)/.exec(await scrape(b.broker))?.[1]);
    expect(await waiting()).toBeGreaterThan(MiB);
    await pass(15);
    expect(await waiting()).toBe(0);
  });

  test('what waits when its broker stops is still sent', async () => {
    const { much, pass } = await twoTurns();
    const [, b] = (cluster?.members ?? []) as [Member, Member];
    for (let n = 0; n < 12; n += 1) much.emit({ kind: 'status', text: 'x'.repeat(MiB) });
    much.emit({ kind: 'done' });
    const closed = b.broker.close();
    await arrive();
    await pass(10);
    await closed;
    expect(much.events().map(({ kind }) => kind)).toEqual([...Array(12).fill('status'), 'done']);
  });
});

describe('lanes of one link', () => {
  /** A link that takes what it takes, and says nothing. */
  function scene() {
    const sent: string[] = [];
    const link = {
      peer: 'b',
      isOpen: true,
      boundedBytes: 0,
      send: (entry: Entry) => sent.push(entry.body) > 0,
      sendToken: ({ delta }: StreamToken) => sent.push(delta) > 0,
    };
    const lanes = new Lanes(link as unknown as PeerLink);
    const limits = { softLimitBytes: MiB, cutBytes: 32 * MiB };
    const ended: string[] = [];
    const lane = (name: string) => lanes.lane(limits, () => ended.push(name));
    const say = (to: Lane, body: string) => to.hasRoomFor(body) && to.send({ kind: 'text', stream: 1, body });
    return { sent, link, lanes, lane, say, ended };
  }

  it('go on in turns, a short one before the rest of a long one', () => {
    const { sent, link, lanes, lane, say } = scene();
    const [long, short] = [lane('long'), lane('short')];
    link.boundedBytes = 7 * MiB;
    for (let n = 0; n < 8; n += 1) say(long, `${n}`.padEnd(40 * 1024));
    say(short, 'a');
    say(short, 'b');
    lanes.drain();
    expect(sent).toEqual([]);
    link.boundedBytes = 0;
    lanes.drain();
    expect(sent.map((body) => body.trim())).toEqual(['0', '1', 'a', 'b', '2', '3', '4', '5', '6', '7']);
    expect(lanes.waitingBytes).toBe(0);
  });

  it('hold 64 MiB together: whoever has most waiting makes room for whoever has less', () => {
    const { link, lanes, lane, say, ended } = scene();
    link.boundedBytes = 7 * MiB;
    const three = ['one', 'two', 'three'].map(lane) as [Lane, Lane, Lane];
    const [one, two, three_] = three;
    const body = 'x'.repeat(MiB);
    for (let n = 0; n < 30; n += 1) say(one, body);
    for (let n = 0; n < 25; n += 1) say(two, body);
    for (let n = 0; n < 20; n += 1) expect(say(three_, body)).toBe(true);
    expect([ended, one.waitingBytes]).toEqual([['one'], 0]);
    expect(lanes.waitingBytes).toBeLessThanOrEqual(MAX_LANES_BYTES);
    // With what it adds itself it would have most.
    expect(two.waitingBytes + 20 * MiB).toBeGreaterThan(three_.waitingBytes);
    expect(lanes.admits(two, 20 * MiB)).toBe(false);
    expect(ended).toEqual(['one']);
  });

  it('end nobody for what has no room at all, and come to an end whatever those say that are ended', () => {
    const { link, lanes, say } = scene();
    link.boundedBytes = 7 * MiB;
    const limits = { softLimitBytes: MiB, cutBytes: 1_000 * MiB };
    const [one, other]: [Lane, Lane] = [
      // It says that it is over.
      lanes.lane(limits, () => one.send({ kind: 'close', stream: 1, body: '{"code":4413}' })),
      lanes.lane(limits, () => {}),
    ];
    say(one, 'x'.repeat(60 * MiB));
    expect(lanes.admits(other, MAX_LANES_BYTES + 1)).toBe(false);
    expect(one.waitingBytes).toBeGreaterThan(60 * MiB);
    expect(lanes.admits(other, MAX_LANES_BYTES)).toBe(false);
    expect(lanes.admits(other, 50 * MiB)).toBe(true);
    expect(one.waitingBytes).toBeLessThan(1_000);
  });

  it('have equal shares, however long their messages are', () => {
    const { link, lanes, lane, say, sent } = scene();
    const [long, short] = [lane('long'), lane('short')];
    link.boundedBytes = 7 * MiB;
    for (let n = 0; n < 4; n += 1) say(long, 'x'.repeat(4 * MiB));
    for (let n = 0; n < 160; n += 1) say(short, 'y'.repeat(50 * 1024));
    link.boundedBytes = 0;
    lanes.drain();
    // All of the short ones, which are 8 MiB, and as much of the long ones.
    const before = sent.slice(
      0,
      sent.findLastIndex((body) => body.startsWith('y')),
    );
    expect(before.filter((body) => body.startsWith('x')).length).toBeLessThanOrEqual(2);
  });

  it('say that a guest is over, too, where what waited for it has made room', () => {
    const { link, lanes, sent } = scene();
    const kinds: string[] = [];
    link.send = (entry) => {
      kinds.push(`${entry.kind} ${entry.stream}`);
      return sent.push(entry.body) > 0;
    };
    const guestOf = (stream: number) => {
      const lane = lanes.lane({ softLimitBytes: MiB, cutBytes: 32 * MiB }, () => guest.overrun());
      const guest: GuestLink = new GuestLink(
        lane,
        stream,
        { client: 'c' },
        () => 1,
        () => {},
      );
      guest.open({ text() {}, binary() {}, closed() {} });
      return guest;
    };
    const [one, two, three] = [guestOf(-1), guestOf(-2), guestOf(-3)];
    link.boundedBytes = 7 * MiB;
    const body = 'x'.repeat(MiB);
    for (let n = 0; n < 30; n += 1) one.send(body);
    one.close(1001);
    for (let n = 0; n < 25; n += 1) two.send(body);
    for (let n = 0; n < 12; n += 1) three.send(body);
    link.boundedBytes = 0;
    lanes.drain();
    expect(kinds.filter((kind) => kind.includes('-1'))).toEqual(['close -1']);
    expect(kinds.filter((kind) => kind === 'text -2')).toHaveLength(25);
  });

  it('of a link that is lost hold nothing', () => {
    const { sent, link, lanes, lane, say } = scene();
    const one = lane('one');
    link.boundedBytes = 7 * MiB;
    say(one, 'x');
    lanes.drop();
    link.boundedBytes = 0;
    lanes.drain();
    expect([sent, lanes.waitingBytes, one.isEmpty]).toEqual([[], 0, true]);
  });

  it('take a replay that is longer than what may wait, once', () => {
    const { link, lanes, lane, say } = scene();
    const one = lane('one');
    const body = 'x'.repeat(8 * MiB);
    one.allow(48 * MiB);
    // Some of it finds room in the link.
    say(one, body);
    link.boundedBytes = 8 * MiB;
    for (let n = 0; n < 7; n += 1) expect(say(one, body)).toBe(true);
    expect(say(one, 'x'.repeat(32 * MiB))).toBe(false);
    link.boundedBytes = 0;
    lanes.drain();
    link.boundedBytes = 7 * MiB;
    for (let n = 0; n < 3; n += 1) expect(say(one, body)).toBe(true);
    expect(say(one, body)).toBe(false);
  });
});
