import { afterEach, expect, test } from 'vitest';
import { accepting, arrive, ask, type Member, startCluster } from './support/brokers.ts';

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

test('what is told to a client elsewhere that is too much for the link ends that client’s part of it alone', async () => {
  cluster = await startCluster(['a', 'b']);
  const [a, b] = cluster.members as [Member, Member];
  const agent = await b.agent('bot');
  await arrive();
  const [host, other] = [await a.host(), await a.host()];
  other.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 'small' });
  const small = await accepting(agent);
  host.post('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 'large' });
  const large = await accepting(agent);
  agent.emit(large.session_id, { kind: 'status', text: 'x'.repeat(7 * 1024 * 1024) });
  agent.emit(small.session_id, { kind: 'token', delta: 'on' });
  await arrive();
  await cluster.pass(1);
  expect(other.events('small')).toMatchObject([{ kind: 'token', delta: 'on' }]);
  expect(host.events('large').at(-1)).toMatchObject({ kind: 'error', code: 'peer_lost' });
  expect(host.closed).toBeUndefined();
});
