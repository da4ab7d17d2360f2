import { beforeAll, expect, it, vi } from 'vitest';
import { describeNats, type NatsServer, natsServers } from '../support/nats-servers.ts';
import { newCluster } from './support/brokers.ts';
import { directoryOf, HeardLives } from './support/directories.ts';

/** A claim that is made again while a leader is chosen. */
type Directory = Awaited<ReturnType<typeof directoryOf>>;
const claim = ({ directory }: Directory, name: string) => vi.waitFor(() => directory.claim(name));

describeNats('a directory in a cluster of NATS', () => {
  let servers: NatsServer[] = [];
  beforeAll(async () => {
    servers = await natsServers(3);
  });

  /** Two brokers that know each other. */
  async function two() {
    await restart(servers);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    return { cluster, lives, a, b };
  }

  async function kill(some: readonly NatsServer[]) {
    for (const server of some) await server.kill();
  }

  async function restart(some: readonly NatsServer[]) {
    for (const server of some) server.start();
    for (const server of some) await server.ready();
  }

  /** The server that leads a stream. */
  async function leaderOf(stream: string): Promise<NatsServer> {
    for (const server of servers) {
      const answer = await fetch(`${server.monitor}/jsz?streams=true`);
      const names = JSON.stringify(await answer.json()).match(new RegExp(`"name":"${stream}".*?"leader":"n(\\d)"`));
      const leader = servers[Number(names?.[1])];
      if (leader) return leader;
    }
    throw new Error(`nobody leads ${stream}`);
  }

  it('goes on when the server is killed that leads it, and misses nothing that is written meanwhile', async () => {
    const { cluster, a, b } = await two();
    const leader = await leaderOf(`KV_SB_${cluster}_ATT`);
    for (let n = 0; n < 10; n += 1) a.directory.attach(`agent${n}`, `c${n}`);
    await leader.kill();
    for (let n = 10; n < 20; n += 1) b.directory.attach(`agent${n}`, `c${n}`);
    await vi.waitFor(() => expect([a.places.size, b.places.size]).toEqual([20, 20]), { timeout: 40_000 });
    expect((await claim(a, 's')).isOurs).toBe(true);
    expect(await claim(b, 's')).toEqual({ isOurs: false, broker: 'a' });
    expect(a.places).toEqual(b.places);
    expect([a.told.length, b.told.length]).toEqual([20, 20]);
  });

  it('without a majority › says what it knew, takes no claim, and writes what has attached when there is one', async () => {
    const { a, b } = await two();
    a.directory.attach('x', 'c1');
    await b.hears('x at a c1');
    const some = servers.slice(1);
    await kill(some);
    await expect(b.directory.claim('s')).rejects.toMatchObject({ problem: 'away' });
    await expect(b.directory.register('r', '1')).rejects.toMatchObject({ problem: 'away' });
    await vi.waitFor(() => expect(b.directory.isConnected).toBe(false));
    b.directory.attach('y', 'c1');
    a.directory.detach('x', 'c1');
    expect([...b.places.keys()]).toEqual(['x']);
    await restart(some);
    await Promise.all([a, b].map(({ hears }) => hears('y at b c1', 'x left a c1')));
    await vi.waitFor(() => expect([a.directory.isConnected, b.directory.isConnected]).toEqual([true, true]));
    // The one that was not taken is nobody's, as soon as whoever asked for it has let go of it.
    await vi.waitFor(async () => expect((await claim(a, 's')).isOurs).toBe(true), { timeout: 20_000 });
  });

  it('that is away › has one newest of an agent that has attached twice meanwhile: the later one, for all', async () => {
    const { a, b } = await two();
    a.directory.attach('x', 'c0');
    await b.hears('x at a c0');
    await kill(servers);
    await vi.waitFor(() => expect([a.directory.isConnected, b.directory.isConnected]).toEqual([false, false]));
    vi.useFakeTimers({ toFake: ['Date'] });
    const now = Date.now();
    for (const [n, { directory }] of [a, b, a].entries()) {
      vi.setSystemTime(now + 10 * n);
      directory.attach('x', `c${n + 1}`);
    }
    vi.setSystemTime(now + 5);
    b.directory.attach('y', 'c1');
    vi.setSystemTime(now + 15);
    a.directory.attach('y', 'c2');
    vi.useRealTimers();
    await restart(servers);
    await Promise.all([a, b].map(({ hears }) => hears('x at a c3', 'y at a c2')));
    await vi.waitFor(() => expect(a.places).toEqual(b.places));
    expect([...a.places].map(([key, { broker, client }]) => `${key} ${broker} ${client}`).sort()).toEqual([
      'x a c3',
      'y a c2',
    ]);
  });

  it('whose broker was thought dead while it was away › gives it no name back that somebody else has, and keeps the others', async () => {
    const { cluster, lives, a, b } = await two();
    for (const name of ['s1', 's2', 's3']) expect((await claim(a, name)).isOurs).toBe(true);
    a.directory.attach('x', 'c1');
    await b.hears('x at a c1');
    lives.pass(b.self);
    expect((await claim(b, 's1')).isOurs).toBe(true);
    b.directory.buried('a', a.self.epoch);
    await b.hears('x left a c1');
    await vi.waitFor(() => expect(a.told).toContain('x left a c1'));
    // It is heard again, and NATS was away for a while.
    lives.pass(a.self, b.self);
    await kill(servers);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await restart(servers);
    await vi.waitFor(() => expect(b.told.filter((line) => line === 'x at a c1')).toHaveLength(2));
    a.directory.release('s1');
    a.directory.release('s3');
    const c = await directoryOf(servers, cluster, 'c', lives);
    expect(await claim(c, 's1')).toEqual({ isOurs: false, broker: 'b' });
    expect(await claim(c, 's2')).toEqual({ isOurs: false, broker: 'a' });
    await vi.waitFor(async () => expect((await c.directory.claim('s3')).isOurs).toBe(true));
  });
});
