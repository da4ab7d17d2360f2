import { expect, it, vi } from 'vitest';
import { describeNats, natsServers } from '../support/nats-servers.ts';
import { natsBroker, newCluster, optionsOf } from './support/brokers.ts';

describeNats('links over NATS', () => {
  it('when a nats-server is killed under load › lose nothing, double nothing and move nothing', async () => {
    const servers = await natsServers(3);
    const cluster = newCluster();
    const a = await natsBroker(optionsOf(servers, cluster, 'a'));
    const b = await natsBroker(optionsOf(servers, cluster, 'b'));
    await vi.waitFor(() => expect(a.peers.link('b')?.isOpen && b.peers.link('a')?.isOpen).toBe(true));
    const said: string[] = [];
    for (const server of servers) {
      for (let round = 0; round < 60; round += 1) {
        for (let n = 0; n < 200; n += 1) {
          const delta = `${said.length} ${'x'.repeat(100)}`;
          said.push(delta);
          a.say('b', delta);
        }
        if (round === 30) await server.kill();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await vi.waitFor(() => expect(b.heard.filter((line) => line.startsWith('token'))).toHaveLength(said.length));
      server.start();
      await server.ready();
    }
    expect(b.heard.filter((line) => line.startsWith('token'))).toEqual(said.map((delta) => `token of a: ${delta}`));
    expect([...a.heard, ...b.heard].filter((line) => line.startsWith('lost'))).toEqual([]);
  });
});
