import { expect, it, vi } from 'vitest';
import { Line } from '../../nats/line.ts';
import { hashKey, namesOf } from '../../nats/names.ts';
import { bucketConfig, Store } from '../../nats/store.ts';
import { connect, headers } from '../../sdks/nats.ts';
import { own } from '../e2e/support/cleanup.ts';
import { describeNats, natsServers } from '../support/nats-servers.ts';
import { newCluster, optionsOf } from './support/brokers.ts';
import { directoryOf, HeardLives } from './support/directories.ts';

describeNats('a directory in NATS', () => {
  it('tells all brokers who is attached, the newest last, and what was known at the start before it is open', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    a.directory.attach('acme/helper', 'c1');
    await a.hears('acme/helper at a c1');
    b.directory.attach('acme/helper', 'c2');
    await Promise.all([a, b].map(({ hears }) => hears('acme/helper at a c1', 'acme/helper at b c2')));
    expect(a.places.get('acme/helper')).toEqual(b.places.get('acme/helper'));
    const c = await directoryOf(servers, cluster, 'c', lives);
    expect(c.told).toEqual(['acme/helper at b c2']);
    // It is not the newest: nothing changes.
    a.directory.detach('acme/helper', 'c1');
    b.directory.attach('acme/helper', 'c2');
    b.directory.detach('acme/helper', 'c2');
    await Promise.all([a, b, c].map(({ hears }) => hears('acme/helper left b c2')));
    expect(c.told).toEqual(['acme/helper at b c2', 'acme/helper left b c2']);
    expect(a.told).toEqual(['acme/helper at a c1', ...c.told]);
  });

  it('has one order for all, whoever attaches at the same time', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const all = await Promise.all(['a', 'b', 'c'].map((id) => directoryOf(servers, cluster, id, lives)));
    const keys = Array.from({ length: 40 }, (_, n) => `agent ${n} é.`);
    for (const key of keys) for (const { directory, self } of all) directory.attach(key, `c-${self.id}`);
    await vi.waitFor(() => {
      for (const { places } of all) expect(places.size).toBe(keys.length);
      for (const { places } of all) expect(places).toEqual(all[0]?.places);
    });
    // Each was written three times.
    const last = Math.max(...[...(all[0]?.places.values() ?? [])].map(({ revision }) => revision));
    expect(last).toBe(3 * keys.length);
  });

  it('does not keep an attachment that was over before it was written, nor one that another of its own has followed', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    a.directory.attach('x', 'c1');
    a.directory.detach('x', 'c1');
    a.directory.attach('y', 'c1');
    a.directory.attach('y', 'c2');
    a.directory.detach('y', 'c1');
    a.directory.attach('z', 'c1');
    a.directory.detach('z', 'c1');
    a.directory.attach('z', 'c2');
    await a.hears('y at a c2', 'z at a c2');
    const b = await directoryOf(servers, cluster, 'b', lives);
    await vi.waitFor(() => expect([...b.places.values()].map(({ client }) => client)).toEqual(['c2', 'c2']));
    expect([...b.places.keys()].sort()).toEqual(['y', 'z']);
  });

  it('gives a name to one broker, until that lets go of it or is over', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    const c = await directoryOf(servers, cluster, 'c', lives);
    const both = await Promise.all([a, b, c].map(({ directory }) => directory.claim('person:1/session')));
    expect(both.filter(({ isOurs }) => isOurs)).toHaveLength(1);
    const winner = [a, b, c][both.findIndex(({ isOurs }) => isOurs)] ?? a;
    const [loser] = [a, b, c].filter((one) => one !== winner) as [typeof a];
    expect(await winner.directory.claim('person:1/session')).toEqual({ isOurs: true });
    expect(await loser.directory.claim('person:1/session')).toEqual({ isOurs: false, broker: winner.self.id });
    // Not its to let go of.
    loser.directory.release('person:1/session');
    expect((await loser.directory.claim('person:1/session')).isOurs).toBe(false);
    winner.directory.release('person:1/session');
    await vi.waitFor(async () => expect((await loser.directory.claim('person:1/session')).isOurs).toBe(true));
    lives.pass(winner.self);
    expect(await winner.directory.claim('person:1/session')).toEqual({ isOurs: true });
  });

  it('has a name that was written later than anybody waited for › is free of it when its holder is asked, or has looked once more', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    // Given up, or never asked for, as far as is known.
    b.directory.release('looked for');
    const nats = await connect({ servers: servers[0]?.url as string });
    const life = JSON.stringify({ broker: 'b', epoch: b.self.epoch });
    for (const name of ['late', 'looked for']) {
      await nats.request(`$KV.${namesOf(cluster).bucket('SES')}.${hashKey(name)}`, life);
      expect(await a.directory.claim(name)).toEqual({ isOurs: false, broker: 'b' });
    }
    await nats.close();
    b.directory.release('late');
    const isFree = async (name: string) => expect((await a.directory.claim(name)).isOurs).toBe(true);
    await vi.waitFor(() => isFree('late'));
    await vi.waitFor(() => isFree('looked for'), { timeout: 20_000, interval: 200 });
  });

  it('of a life that is over › has nothing: neither who was attached, nor what it had claimed', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const dead = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    dead.directory.attach('x', 'c1');
    await dead.directory.claim('s1');
    await dead.directory.claim('s2');
    await b.hears('x at a c1');
    // Nobody has heard of it for long, and one broker says so.
    lives.pass(b.self);
    b.directory.buried('a', dead.self.epoch);
    await b.hears('x left a c1');
    expect((await b.directory.claim('s1')).isOurs).toBe(true);
    // The same broker's next life knows that without being told.
    const next = await directoryOf(servers, cluster, 'a', new HeardLives());
    expect((await next.directory.claim('s2')).isOurs).toBe(true);
    expect((await next.directory.claim('s1')).isOurs).toBe(false);
    const c = await directoryOf(servers, cluster, 'c', lives);
    expect([next.told, c.told]).toEqual([[], []]);
  });

  it('of a life that the link takes for dead › is free of its claims in that moment, and no more once it is heard again', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    for (const name of ['s1', 's2']) expect((await a.directory.claim(name)).isOurs).toBe(true);
    // However long it was silent, it lives until the link says otherwise: of that, more is heard than heartbeats.
    for (let n = 0; n < 12; n += 1) lives.passed(true);
    expect(await b.directory.claim('s1')).toEqual({ isOurs: false, broker: 'a' });
    lives.heard('a', a.self.epoch);
    b.directory.buried('a', a.self.epoch);
    expect((await b.directory.claim('s1')).isOurs).toBe(true);
    lives.heard('a', a.self.epoch);
    expect(await b.directory.claim('s2')).toEqual({ isOurs: false, broker: 'a' });
  });

  it('of which nobody was there when a broker died › is free of it when somebody has listened for long enough', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const before = new HeardLives();
    const dead = await directoryOf(servers, cluster, 'a', before);
    dead.directory.attach('x', 'c1');
    await dead.directory.claim('s1');
    await dead.directory.claim('s2');
    await dead.hears('x at a c1');
    const lives = new HeardLives();
    const b = await directoryOf(servers, cluster, 'b', lives);
    expect([b.told, await b.directory.claim('s1')]).toEqual([['x at a c1'], { isOurs: false, broker: 'a' }]);
    // Whoever has listened for longer may say so.
    const c = await directoryOf(servers, cluster, 'c', new HeardLives());
    expect((await c.directory.claim('s2')).isOurs).toBe(false);
    c.directory.buried('a', dead.self.epoch);
    expect((await c.directory.claim('s2')).isOurs).toBe(true);
    await c.hears('x left a c1');
    lives.pass(b.self);
    expect((await b.directory.claim('s1')).isOurs).toBe(true);
    await b.hears('x left a c1');
  });

  it('that is closed › leaves nothing behind', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    a.directory.attach('x', 'c1');
    for (let n = 0; n < 100; n += 1) expect((await a.directory.claim(`s${n}`)).isOurs).toBe(true);
    await b.hears('x at a c1');
    await a.directory.close();
    await b.hears('x left a c1');
    for (let n = 0; n < 100; n += 1) expect((await b.directory.claim(`s${n}`)).isOurs).toBe(true);
    await expect(a.directory.claim('s')).rejects.toMatchObject({ problem: 'away' });
  });

  it('tells all what is registered, changed and removed, of whatever name', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    const names = ['x', 'tenant/x', '..', '*', '>', 'é 語', 'x'.repeat(4_000)];
    for (const name of names) await a.directory.register(name, `{"of":"${name}"}`);
    await b.hears(...names.map((name) => `${name} is {"of":"${name}"}`));
    await b.directory.register('x', 'new');
    await b.directory.register('*', undefined);
    await a.hears('x is new', '* is undefined');
    const c = await directoryOf(servers, cluster, 'c', lives);
    expect(c.told).toHaveLength(names.length - 1);
    await expect(a.directory.register('x', 'x'.repeat(2 * 1024 * 1024))).rejects.toMatchObject({
      problem: 'max_payload',
    });
  });

  it('of which a change was stored and not told › is read again, all that was missed', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const line = await Line.open(optionsOf(servers, cluster, 'x'), 'test');
    own(() => line.close());
    const store = await Store.open(line, 1);
    const names = namesOf(cluster);
    // Nothing of this bucket is told by the server.
    const { republish, ...silent } = bucketConfig(names.bucket('ATT'), names.changes('ATT'));
    expect(republish).toBeDefined();
    await store.make(silent);
    const lives = new HeardLives();
    const a = await directoryOf(servers, cluster, 'a', lives);
    const b = await directoryOf(servers, cluster, 'b', lives);
    for (const key of ['x', 'y']) {
      a.directory.attach(key, 'c1');
      await a.hears(`${key} at a c1`);
    }
    // The second alone, as when a server dies between the two.
    const told = headers();
    told.set('Nats-Sequence', '2');
    const { value } = (await store.get(`KV_${names.bucket('ATT')}`, `$KV.${names.bucket('ATT')}.y`)) ?? {};
    line.nats.publish(`${names.changes('ATT')}.y`, value, { headers: told });
    await b.hears('x at a c1', 'y at a c1');
    // And of this nothing.
    a.directory.attach('z', 'c1');
    await b.hears('z at a c1');
    expect(b.told).toEqual(['x at a c1', 'y at a c1', 'z at a c1']);
  });

  it('that there cannot be › says why', async () => {
    const [bare] = await natsServers(1, { jetStream: false });
    const servers = await natsServers(1);
    const lives = new HeardLives();
    const problemOf = (of: typeof servers, also: object) =>
      directoryOf(of, newCluster(), 'a', lives, also).then(
        () => 'none',
        ({ problem }) => problem,
      );
    expect(await problemOf(bare ? [bare] : [], {})).toBe('no_jetstream');
    expect(await problemOf(servers, { replicas: 3 })).toBe('no_peers');
    expect(optionsOf(servers, 'c', 'a').servers).toHaveLength(1);
  });
});
