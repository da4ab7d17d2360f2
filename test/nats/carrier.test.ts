import { expect, it, vi } from 'vitest';
import { systemLinkClock } from '../../link/clock.ts';
import { MAX_SILENCE_MS } from '../../link/flow.ts';
import { FrameKind, MAX_FRAME_BYTES, textFrame } from '../../link/frame.ts';
import { heartbeatFrame } from '../../link/heartbeat.ts';
import { MAX_PENDING_BYTES, NatsCarrier } from '../../nats/carrier.ts';
import { own } from '../e2e/support/cleanup.ts';
import { describeNats, type NatsServer, natsServers } from '../support/nats-servers.ts';
import { natsBroker, newCluster, optionsOf } from './support/brokers.ts';

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
const tokens = (heard: readonly string[]) => heard.filter((line) => line.startsWith('token'));
const losses = (heard: readonly string[]) => heard.filter((line) => line.startsWith('lost'));

/** Brokers a and b, which have a link. What is said is counted. */
async function two(servers: readonly NatsServer[], also: Parameters<typeof natsBroker>[1] = {}) {
  const cluster = newCluster();
  const a = await natsBroker(optionsOf(servers, cluster, 'a'), also);
  const b = await natsBroker(optionsOf(servers, cluster, 'b'), also);
  await vi.waitFor(() => expect(a.peers.link('b')?.isOpen && b.peers.link('a')?.isOpen).toBe(true));
  const said: string[] = [];
  const say = (count: number, size = 100) => {
    for (let n = 0; n < count; n += 1) {
      const delta = `${said.length} `.padEnd(size, 'x');
      if (a.say('b', delta)) said.push(`token of a: ${delta}`);
    }
  };
  const hasAll = () => vi.waitFor(() => expect(tokens(b.heard)).toHaveLength(said.length));
  return { cluster, a, b, said, say, hasAll };
}

/** A carrier alone, and what it tells. */
async function bare(servers: readonly NatsServer[], cluster: string, id: string) {
  const told: string[] = [];
  const news: string[] = [];
  const options = optionsOf(servers, cluster, id, { tell: ({ message }) => news.push(message) });
  const carrier = new NatsCarrier(options);
  await carrier.open({
    frame: (frame) => told.push(`frame ${frame.toString('utf8', 27)}`),
    reachable: (peer) => told.push(`reachable ${peer}`),
    unreachable: (peer) => told.push(`unreachable ${peer}`),
    writable: (peer) => told.push(`writable ${peer}`),
  });
  own(() => carrier.close());
  const announce = () => carrier.announce(heartbeatFrame({ ...options.self, urls: [], load: 0, turns: 0 }));
  return { carrier, told, news, announce, options };
}

describeNats('links over NATS', () => {
  it('when each nats-server is killed under load, one after the other › lose nothing, double nothing and move nothing', async () => {
    const servers = await natsServers(3, { jetStream: false });
    const { a, b, said, say, hasAll } = await two(servers);
    for (const server of servers) {
      for (let round = 0; round < 40; round += 1) {
        say(200);
        if (round === 20) await server.kill();
        await tick();
      }
      await hasAll();
      server.start();
      await server.ready();
    }
    expect(tokens(b.heard)).toEqual(said);
    expect(losses([...a.heard, ...b.heard])).toEqual([]);
  });

  it('when a nats-server is stopped › go on over another one, and lose nothing', async () => {
    const servers = await natsServers(3, { jetStream: false });
    const { a, b, said, say, hasAll } = await two(servers);
    for (const server of servers) {
      server.pause();
      say(500);
      await hasAll();
      server.resume();
    }
    expect(tokens(b.heard)).toEqual(said);
    expect(losses([...a.heard, ...b.heard])).toEqual([]);
  });

  it('when all of NATS is away for a while › stall and flow again; and are lost, both ends, after ten seconds of it', async () => {
    const [server] = await natsServers(1, { jetStream: false });
    // A third of that is waited for.
    const clock = {
      ...systemLinkClock,
      now: () => systemLinkClock.now() * 3,
      setTimeout: (run: () => void, ms: number) => systemLinkClock.setTimeout(run, ms / 3),
    };
    const states: string[] = [];
    const also = { stalled: () => states.push('stalled'), flowing: () => states.push('flowing') };
    const { a, b, said, say, hasAll } = await two([server as NatsServer], { clock, also });
    say(100);
    await server?.kill();
    await vi.waitFor(() => expect(states).toEqual(['stalled', 'stalled']));
    say(100);
    expect([a.carrier.isConnected, a.carrier.reaches('b'), a.carrier.send('b', Buffer.alloc(100))]).toEqual([
      false,
      false,
      false,
    ]);
    server?.start();
    await hasAll();
    // What was sent before the other end was back is tried again, and may stall once more.
    await vi.waitFor(() => {
      const flowing = states.filter((state) => state === 'flowing').length;
      expect([flowing >= 2, flowing]).toEqual([true, states.length - flowing]);
    });
    expect(tokens(b.heard)).toEqual(said);
    expect(losses([...a.heard, ...b.heard])).toEqual([]);
    await server?.kill();
    say(100);
    await vi.waitFor(() => expect([losses(a.heard), losses(b.heard)]).toEqual([['lost b silent'], ['lost a silent']]), {
      timeout: MAX_SILENCE_MS + 20_000,
    });
    expect(a.say('b', 'x')).toBe(false);
    server?.start();
    await vi.waitFor(() => expect(a.peers.link('b')?.isOpen && b.peers.link('a')?.isOpen).toBe(true));
  });

  it('whose nats-server takes nothing › hold a mebibyte of it and no more, and send the rest when it does', async () => {
    const [server] = await natsServers(1, { jetStream: false });
    const { a, b, said, say, hasAll } = await two([server as NatsServer]);
    server?.pause();
    // More than the kernel takes, less than a link may hold.
    for (let round = 0; round < 70; round += 1) {
      say(100, 1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(a.carrier.pendingBytes).toBeLessThan(MAX_PENDING_BYTES + MAX_FRAME_BYTES);
    expect(a.peers.link('b')?.waitingBytes).toBeGreaterThan(4 * MAX_PENDING_BYTES);
    server?.resume();
    await hasAll();
    expect(tokens(b.heard)).toEqual(said);
    await vi.waitFor(() =>
      expect([a.peers.link('b')?.waitingBytes, a.carrier.pendingBytes < MAX_PENDING_BYTES]).toEqual([0, true]),
    );
    expect(losses([...a.heard, ...b.heard])).toEqual([]);
  });

  it('of which one broker begins another life › are another link, with that', async () => {
    const servers = await natsServers(1, { jetStream: false });
    const { cluster, a, b } = await two(servers);
    const [before] = b.heard.filter((line) => line.startsWith('opened'));
    await b.peers.close();
    await vi.waitFor(() => expect(a.heard).toContain('lost b left'));
    const next = await natsBroker(optionsOf(servers, cluster, 'b'));
    await vi.waitFor(() => expect(next.heard).toContain(before));
    a.say('b', 'x');
    await vi.waitFor(() => expect(tokens(next.heard)).toEqual(['token of a: x']));
    expect(losses(a.heard)).toEqual(['lost b left']);
  });

  it('carry an entry of megabytes, and another cluster on the same servers hears nothing of it', async () => {
    const servers = await natsServers(1, { jetStream: false });
    const { a, b } = await two(servers);
    const other = await two(servers);
    a.peers.link('b')?.send({ kind: 'open', stream: 1, body: 'é'.repeat(2 * 1024 * 1024) });
    await vi.waitFor(() => expect(b.heard.at(-1)).toHaveLength('open of a: '.length + 2 * 1024 * 1024));
    expect(other.b.heard.filter((line) => line.startsWith('open of'))).toEqual([]);
    expect([a, b, other.a, other.b].map(({ peers, faults }) => [peers.ignoredFrames, faults])).toEqual(
      Array(4).fill([0, []]),
    );
  });
});

describeNats('NatsCarrier', () => {
  it('reaches who is heard, until it is silent for nine seconds, and publishes to its present life only', async () => {
    const servers = await natsServers(1, { jetStream: false });
    const cluster = newCluster();
    const a = await bare(servers, cluster, 'a');
    const b = await bare(servers, cluster, 'b');
    expect([a.carrier.reaches('b'), a.carrier.send('b', Buffer.alloc(9))]).toEqual([false, false]);
    b.announce();
    await vi.waitFor(() => expect(a.told).toContain('reachable b'));
    const head = { kind: FrameKind.ack, flags: 0, ours: 1, theirs: 2, lseq: 0, ack: 0, from: 'a' } as const;
    expect(a.carrier.send('b', textFrame(head, ' first'))).toBe(true);
    await vi.waitFor(() => expect(b.told).toContain('frame a first'));
    await b.carrier.close();
    const next = await bare(servers, cluster, 'b');
    next.announce();
    await vi.waitFor(() => expect(a.told.filter((line) => line === 'reachable b')).toHaveLength(2));
    a.carrier.send('b', textFrame(head, ' second'));
    await vi.waitFor(() => expect(next.told).toContain('frame a second'));
    expect(b.told).not.toContain('frame a second');
    await vi.waitFor(() => expect(a.told.at(-1)).toBe('unreachable b'), { timeout: 40_000 });
    expect(a.carrier.reaches('b')).toBe(false);
  });

  it('believes no heartbeat whose life is no token of a subject, and says when another broker has its name', async () => {
    const servers = await natsServers(1, { jetStream: false });
    const cluster = newCluster();
    const a = await bare(servers, cluster, 'a');
    const z = await bare(servers, cluster, 'z');
    const namesake = await bare(servers, cluster, 'a');
    for (const epoch of ['>', '*', 'a.b', 'x'.repeat(65)]) {
      z.carrier.announce(heartbeatFrame({ id: 'b', epoch, urls: [], load: 0, turns: 0 }));
    }
    namesake.announce();
    z.announce();
    await vi.waitFor(() => expect(a.told).toContain('reachable z'));
    expect(a.carrier.reaches('b')).toBe(false);
    expect(a.news.filter((line) => line.includes('is called a, too'))).toHaveLength(1);
  });
});
