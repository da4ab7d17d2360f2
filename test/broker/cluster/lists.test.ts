import { afterEach, expect, test } from 'vitest';
import { arrive, ask, type Member, startCluster } from './support/brokers.ts';

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

test('a list does not wait for ever for a broker that is silent, and is without its rows then', async () => {
  cluster = await startCluster(['a', 'b']);
  const [a, b] = cluster.members as [Member, Member];
  await b.host().then((host) => host.ok('host.request_approval', { action: 'there' }));
  const host = await a.host();
  await host.ok('host.request_approval', { action: 'here' });
  cluster.net.silent.add('b');
  const id = host.post('host.approvals');
  await arrive();
  expect(host.replyTo(id)).toBeUndefined();
  await cluster.pass(3);
  expect(host.replyTo(id).result.approvals.map(({ action }: { action: string }) => action)).toEqual(['here']);
  cluster.net.silent.delete('b');
  await cluster.pass(3);
  const both = (await ask(host, 'host.approvals')).result.approvals;
  expect(both.map(({ action }: { action: string }) => action)).toEqual(['there', 'here']);
});
