import { expect, test } from 'vitest';
import { type LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';
import { approvalsOf, pending } from '../../support/tool-scene.ts';

/* Who may answer which approval (wire.md section 5), in every combination. */

const GATED = 'automation.run_applescript';

/** Everybody who could want to answer. `host` has opened the turn; `raiser` raises what a client raises. */
async function setUp() {
  const linked = startLinked({ approvals: { methods: ['agents.list', GATED, 'tools.execute:clock'] } });
  const people = {
    host: await linked.host(),
    raiser: await linked.host(),
    raisingManager: await linked.manager(),
    client: await linked.host(),
    manager: await linked.manager(),
    agent: await linked.agent('echo'),
    otherAgent: await linked.agent('other'),
  };
  await people.host.ok('tools.register', [{ name: 'clock' }]);
  await openChat(people.host, people.agent, { agent_id: 'echo', session_id: 's' });
  return { linked, people };
}
type People = Awaited<ReturnType<typeof setUp>>['people'];
type Person = keyof People;

const ask = (client: LinkedClient) => client.post('host.request_approval', { action: 'a' });

const rows: { what: string; raise(people: People): unknown; may: Person[] }[] = [
  {
    what: 'one that a client raised',
    raise: ({ raiser }) => ask(raiser),
    may: ['raiser', 'raisingManager', 'manager'],
  },
  {
    what: 'one that the host role raised',
    raise: ({ raisingManager }) => ask(raisingManager),
    may: ['raisingManager', 'manager'],
  },
  {
    what: 'one that an agent raised',
    raise: ({ agent }) => ask(agent),
    may: ['host', 'raiser', 'raisingManager', 'client', 'manager'],
  },
  {
    what: 'a client’s at the gate',
    raise: ({ raiser }) => raiser.post('agents.list'),
    may: ['host', 'raisingManager', 'client', 'manager'],
  },
  {
    what: 'the host role’s at the gate',
    raise: ({ raisingManager }) => raisingManager.post('agents.list'),
    may: ['host', 'raiser', 'client', 'manager'],
  },
  {
    what: 'an agent’s at the gate',
    raise: ({ agent }) => agent.post('agents.list'),
    may: ['host', 'raiser', 'raisingManager', 'client', 'manager'],
  },
  {
    what: 'an agent’s tool at the gate',
    raise: ({ agent }) => agent.post('tools.execute', { session_id: 's', tool: 'clock', parameters: {} }),
    may: ['host', 'raiser', 'raisingManager', 'client', 'manager'],
  },
  {
    what: 'a chat turn’s',
    raise: ({ agent }) => agent.emit('s', pending('a')),
    may: ['host', 'raisingManager', 'manager'],
  },
];

const EVERYBODY: Person[] = ['host', 'raiser', 'raisingManager', 'client', 'manager', 'agent', 'otherAgent'];

for (const { what, raise, may } of rows) {
  for (const person of EVERYBODY) {
    const isAllowed = may.includes(person);
    test(`host.resolve_approval › when it is ${what} › then ${person} ${isAllowed ? 'may' : 'gets -32015, and it waits on'}`, async () => {
      const { people } = await setUp();
      raise(people);
      await settle();
      const [{ id }] = (await approvalsOf(people.client)) as [{ id: string }];
      const reply = people[person].post('host.resolve_approval', { approval_id: id, resolution: 'approve' });
      await settle();
      const asked = people.agent.received('agent.chat.approve');
      for (const request of asked) people.agent.answer(request, { resolved: true });
      await settle();
      const answer = people[person].replyTo(reply);
      const [row] = await approvalsOf(people.client);
      if (isAllowed) {
        expect(answer.result).toMatchObject({ id, status: 'approved', resolution: 'approve' });
        expect(row.status).toBe('approved');
      } else {
        expect(answer.error.code).toBe(-32015);
        expect(row.status).toBe('pending');
        expect(asked).toEqual([]);
      }
    });
  }
}

test('host.resolve_approval › when nobody has to authenticate › then an unnamed client may answer an agent’s, and the parked caller its own no more than ever', async () => {
  const linked = startLinked({ auth: false, approvals: { methods: ['agents.list'] } });
  const [caller, other, agent] = [linked.connect(), linked.connect(), linked.connect()];
  await agent.ok('session.auth', { agent_id: 'echo' });
  const listing = caller.post('agents.list');
  await settle();
  const [{ id }] = (await approvalsOf(other)) as [{ id: string }];
  const params = { approval_id: id, resolution: 'approve' };
  for (const client of [caller, agent]) {
    expect((await client.call('host.resolve_approval', params)).error.code).toBe(-32015);
  }
  await other.ok('host.resolve_approval', params);
  expect(caller.replyTo(listing).result).toMatchObject([{ spec: { id: 'echo' } }]);
});

test('host.resolve_approval › when an agent guesses an id that is not there › then -32015 tells it nothing', async () => {
  const { people } = await setUp();
  const { error } = await people.agent.call('host.resolve_approval', { approval_id: 'none', resolution: 'approve' });
  expect(error.code).toBe(-32015);
});

test('agents.chat.approve › when somebody answers › then the turn’s host and the host role may, nobody else', async () => {
  const { people } = await setUp();
  people.agent.emit('s', pending('a'));
  people.agent.emit('s', pending('b'));
  await settle();
  for (const person of ['raiser', 'client', 'agent', 'otherAgent'] as const) {
    const { error } = await people[person].call('agents.chat.approve', { session_id: 's', approval_id: 'a' });
    expect(error.code).toBe(-32015);
  }
  expect(people.agent.received('agent.chat.approve')).toEqual([]);
  for (const [person, approval_id] of [
    ['host', 'a'],
    ['manager', 'b'],
  ] as const) {
    const id = people[person].post('agents.chat.approve', { session_id: 's', approval_id, decision: true });
    await settle();
    people.agent.answer(people.agent.received('agent.chat.approve').at(-1), { resolved: true });
    await settle();
    expect(people[person].replyTo(id).result).toEqual({ resolved: true, session_id: 's' });
  }
});

test('agents.chat.approve › when an agent opened the turn › then it may not answer, on either path; the host role may', async () => {
  const { people } = await setUp();
  await openChat(people.otherAgent, people.agent, { agent_id: 'echo', session_id: 'between' });
  const { session_id } = people.agent.lastChat().params;
  people.agent.emit(session_id, pending('a'));
  await settle();
  const rows = await approvalsOf(people.otherAgent);
  expect(rows).toMatchObject([{ details: { source: 'chat' } }]);
  expect(rows[0].details).not.toHaveProperty('params');
  for (const [method, params] of [
    ['agents.chat.approve', { session_id: 'between', approval_id: 'a', decision: true }],
    ['host.resolve_approval', { approval_id: rows[0].id, resolution: 'approve' }],
  ] as const) {
    expect((await people.otherAgent.call(method, params)).error.code).toBe(-32015);
  }
  people.manager.post('agents.chat.approve', { session_id, approval_id: 'a', decision: true });
  await settle();
  expect(people.agent.received('agent.chat.approve')).toHaveLength(1);
});
