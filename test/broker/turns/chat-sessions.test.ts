import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';

test('agents.chat.sessions › when a turn runs › then its row says who, since when in seconds, where it stands and how far', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const before = Math.floor(Date.now() / 1000);
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit('s', { kind: 'token', delta: 'a' });
  agent.emit('s', { kind: 'token', delta: 'b' });
  await settle();
  const { sessions } = await host.ok('agents.chat.sessions', {});
  expect(sessions).toEqual([
    {
      session_id: 's',
      turn_id,
      agent_id: 'echo',
      host_client_id: agent.lastChat().params.context.host_client_id,
      created_at: expect.any(Number),
      status: 'streaming',
      seq: 2,
    },
  ]);
  const [{ created_at }] = sessions;
  expect(Number.isInteger(created_at)).toBe(true);
  expect(created_at).toBeGreaterThanOrEqual(before);
  expect(created_at).toBeLessThanOrEqual(Date.now() / 1000);
});

test('agents.chat.sessions › when turns stand in different states › then each row says which', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  for (const session_id of ['streaming', 'parked', 'cancelling']) {
    await openChat(host, agent, { agent_id: 'echo', session_id });
  }
  agent.emit('parked', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await host.ok('agents.chat.cancel', { session_id: 'cancelling', grace_ms: 1_000 });
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'dispatching' });
  await settle();
  const { sessions } = await host.ok('agents.chat.sessions');
  const statuses = sessions.map((row: { session_id: string; status: string }) => [row.session_id, row.status]);
  expect(statuses).toEqual([
    ['streaming', 'streaming'],
    ['parked', 'parked'],
    ['cancelling', 'cancelling'],
    ['dispatching', 'dispatching'],
  ]);
});

test('agents.chat.sessions › when others have turns too › then a client sees its own, an agent none that it answers, the host role all', async () => {
  const linked = startLinked();
  const agent = await linked.agent('echo');
  const hosts = [await linked.host(), await linked.host(), agent];
  for (const [n, host] of hosts.entries()) await openChat(host, agent, { agent_id: 'echo', session_id: `s${n}` });
  const manager = await linked.manager();
  const ids = async (client: typeof agent) =>
    (await client.ok('agents.chat.sessions')).sessions.map((row: { session_id: string }) => row.session_id);
  expect(await ids(hosts[0] ?? agent)).toEqual(['s0']);
  expect(await ids(hosts[1] ?? agent)).toEqual(['s1']);
  expect(await ids(agent)).toEqual(['s2']);
  // An agent is a principal of its own: others know its session by the name that its agent has for it.
  expect(await ids(manager)).toEqual(['s0', 's1', expect.stringMatching(/^s2:[a-z2-7]{13}$/)]);
  expect(await ids(await linked.host())).toEqual([]);
});

test('agents.chat.sessions › when chats wait in a queue › then only the live one is listed', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's', on_busy: 'queue' });
  expect((await host.ok('agents.chat.sessions')).sessions).toHaveLength(1);
});
