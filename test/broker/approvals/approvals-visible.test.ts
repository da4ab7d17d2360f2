import { expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { approvalsOf, eventsOf, pending, resolved, subscribe } from '../../support/tool-scene.ts';

/* A chat row in `host.approvals`, and who sees how much of it (wire.md section 5). */

const SECRET = 'not for everybody';

async function setUp() {
  const linked = startLinked();
  const people = {
    host: await linked.host(),
    manager: await linked.manager(),
    client: await linked.host(),
    agent: await linked.agent('echo'),
    otherAgent: await linked.agent('other'),
  };
  const { host, agent } = people;
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  return { linked, people, host, agent, turnId: turn_id as string };
}

/** All that a client can read of approvals. */
async function everythingOf(client: LinkedClient) {
  const { events } = await client.ok('host.events', { limit: 500 });
  const snapshot = await subscribe(client);
  const ofApprovals = (all: Message[]) => all.filter(({ kind }) => kind.startsWith('approval.'));
  return {
    rows: [...(await approvalsOf(client)), ...snapshot.approvals],
    events: [...ofApprovals(events), ...ofApprovals(snapshot.events), ...ofApprovals(eventsOf(client))],
  };
}

test('a chat’s approval › when it is pending › then its row tells what it is, and whose', async () => {
  const { linked, host, agent, turnId } = await setUp();
  linked.clock.increment(1_000);
  agent.emit('s', pending('a', { tool: 'rm', params: { path: '/' }, details: { why: 'x' }, deadline: 5, extra: 1 }));
  agent.emit('s', { kind: 'approval_pending', approval_id: 'b', action: 'send mail', tool: 'mail', details: 'text' });
  agent.emit('s', { kind: 'approval_pending', approval_id: 'c', action: 'nothing more' });
  await settle();
  const source = (approval_id: string) => ({ source: 'chat', session_id: 's', turn_id: turnId, approval_id });
  const rows = await approvalsOf(host);
  expect(rows[0]).toEqual({
    id: expect.stringMatching(/^approval-/),
    origin: 'chat',
    agent_id: 'echo',
    action: 'rm',
    details: { ...source('a'), tool: 'rm', deadline: 5, params: { path: '/' }, details: { why: 'x' } },
    options: ['approve', 'deny'],
    status: 'pending',
    created_at: '1970-01-01T00:00:01.000Z',
  });
  expect(rows[1]).toMatchObject({ action: 'send mail', details: { ...source('b'), tool: 'mail', details: 'text' } });
  expect(rows[2].details).toEqual(source('c'));
});

test('a chat’s approval › when it is announced again › then it is one row still', async () => {
  const { host, agent } = await setUp();
  agent.emit('s', pending('a'));
  agent.emit('s', pending('a', { tool: 'other' }));
  await settle();
  expect(await approvalsOf(host)).toMatchObject([{ action: 'rm' }]);
});

test.each([
  ['approve', 'approved'],
  ['deny', 'denied'],
  ['timeout', 'expired'],
])('a chat’s approval › when the agent says %s › then its row is %s', async (resolution, status) => {
  const { host, agent } = await setUp();
  agent.emit('s', pending('a'));
  agent.emit('s', resolved('a', resolution));
  await settle();
  expect(await approvalsOf(host)).toMatchObject([
    { status, resolution, resolved_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) },
  ]);
});

for (const status of ['pending', 'approved', 'withdrawn'] as const) {
  for (const person of ['host', 'manager', 'client', 'agent'] as const) {
    const sees = person === 'host' || person === 'manager';
    test(`a chat’s approval › when it is ${status} and ${person} looks › then params and details are ${sees ? 'there' : 'nowhere'}, and source and ids are there`, async () => {
      const { people, agent, turnId } = await setUp();
      const client = people[person];
      // Hears of it live, and looks it up after.
      await subscribe(client);
      agent.emit('s', pending('a', { params: { secret: SECRET }, details: [SECRET] }));
      if (status === 'approved') agent.emit('s', resolved('a'));
      if (status === 'withdrawn') agent.emit('s', { kind: 'done', finish_reason: 'stop' });
      await settle();
      const { rows, events } = await everythingOf(client);
      expect(rows).toHaveLength(2);
      expect(events).toHaveLength(status === 'pending' ? 3 : 6);
      for (const { details } of [...rows, ...events.map((event) => event.payload)]) {
        expect(details).toMatchObject({
          source: 'chat',
          session_id: 's',
          turn_id: turnId,
          approval_id: 'a',
          tool: 'rm',
        });
        if (sees) expect(details).toMatchObject({ params: { secret: SECRET }, details: [SECRET] });
        else expect(Object.keys(details)).not.toEqual(expect.arrayContaining(['params']));
      }
      const text = JSON.stringify(client.frames.filter((frame) => frame.method !== 'agents.chat.event'));
      expect(text.includes(SECRET)).toBe(sees);
      for (const event of events) expect(event.agent_id).toBe('echo');
    });
  }
}

test('a chat’s approval › when its parameters are beyond 64 KiB › then the row says so instead, and the event passes whole', async () => {
  const { host, agent } = await setUp();
  const params = { text: 'x'.repeat(64 * 1024) };
  agent.emit('s', pending('a', { params }));
  await settle();
  expect(host.events()[0].params).toEqual(params);
  const [{ details }] = (await approvalsOf(host)) as [{ details: object }];
  expect(details).toMatchObject({ source: 'chat', truncated: true });
  expect(details).not.toHaveProperty('params');
});

test('a chat’s approval › when an agent looks that has nothing to do with it › then there is none', async () => {
  const { people, agent } = await setUp();
  await subscribe(people.otherAgent);
  agent.emit('s', pending('a', { params: { secret: SECRET } }));
  await settle();
  expect(await everythingOf(people.otherAgent)).toEqual({ rows: [], events: [] });
});

test('what others raise › when it is no chat’s › then every window of that principal sees it whole, and no agent', async () => {
  const { people } = await setUp();
  await people.host.ok('host.request_approval', { action: 'a', details: { params: SECRET, details: 1 } });
  for (const client of [people.host, people.manager, people.client]) {
    expect(await approvalsOf(client)).toMatchObject([{ details: { params: SECRET, details: 1 } }]);
  }
  for (const client of [people.agent, people.otherAgent]) expect(await approvalsOf(client)).toEqual([]);
});
