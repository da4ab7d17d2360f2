import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { EndedTurns, KEPT_MS, MAX_LOG_BYTES } from '../../nats/ended-turns.ts';
import { NatsError } from '../../nats/errors.ts';
import { Line } from '../../nats/line.ts';
import { Store } from '../../nats/store.ts';
import { own } from '../e2e/support/cleanup.ts';
import { describeNats, type NatsServer, natsServers } from '../support/nats-servers.ts';
import { newCluster, optionsOf } from './support/brokers.ts';

async function open(servers: readonly NatsServer[], cluster: string, id: string) {
  const ended = new EndedTurns(optionsOf(servers, cluster, id));
  await ended.open();
  own(() => ended.close());
  return ended;
}

describeNats('logs of ended turns', () => {
  // Of what servers take by default, and of far less.
  it.each([1024 * 1024, 200 * 1024])(
    'are found by another broker as they were kept, where messages have %i bytes',
    async (limit) => {
      const servers = await natsServers(1, { more: `max_payload: ${limit}` });
      const cluster = newCluster();
      const a = await open(servers, cluster, 'a');
      const b = await open(servers, cluster, 'b');
      const sizes = [0, 1, limit - 5_000, limit - 4_096, limit, 3 * limit + 17, 5 * 1024 * 1024];
      for (const size of sizes) {
        const turn = randomUUID();
        const log = randomBytes(size);
        await a.keep(turn, log);
        expect((await b.find(turn))?.equals(log), `${size} bytes`).toBe(true);
        // Kept again, as after an answer that was lost.
        await a.keep(turn, log);
        expect((await b.find(turn))?.equals(log)).toBe(true);
      }
      expect(await b.find(randomUUID())).toBeUndefined();
      const other = await open(servers, newCluster(), 'a');
      expect(await other.find(randomUUID())).toBeUndefined();
    },
  );

  it('of which a part is gone are not found; nor is half of one taken for it', async () => {
    const servers = await natsServers(1);
    const cluster = newCluster();
    const a = await open(servers, cluster, 'a');
    await a.keep('t1', randomBytes(3 * 1024 * 1024));
    await a.keep('t2', randomBytes(3 * 1024 * 1024));
    const line = await Line.open(optionsOf(servers, cluster, 'x'), 'test');
    own(() => line.close());
    const store = await Store.open(line, 1);
    const stream = `SB_${cluster}_END`;
    const { revision = 0 } = (await store.get(stream, `sb.${cluster}.end.t1.2`)) ?? {};
    await store.remove(stream, revision);
    expect([await a.find('t1'), (await a.find('t2'))?.length]).toEqual([undefined, 3 * 1024 * 1024]);
    const { config } = await store.jsm.streams.info(stream);
    expect([config.max_age / 1_000_000, config.num_replicas, config.storage]).toEqual([KEPT_MS, 1, 'file']);
  });

  it('are refused where they are too long, have no proper name, or nobody takes them', async () => {
    const servers = await natsServers(1);
    const a = await open(servers, newCluster(), 'a');
    await expect(a.keep('t', Buffer.alloc(MAX_LOG_BYTES + 1))).rejects.toMatchObject({ problem: 'max_payload' });
    for (const turn of ['', '*', 'a.b', '>']) await expect(a.find(turn)).rejects.toMatchObject({ problem: 'config' });
    await servers[0]?.kill();
    for (const attempt of [a.keep('t', Buffer.alloc(1)), a.find('t')]) {
      await expect(attempt).rejects.toMatchObject({ problem: 'away' });
      await expect(attempt).rejects.toBeInstanceOf(NatsError);
    }
  });
});
