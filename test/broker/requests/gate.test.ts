import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ApprovalPolicy, type BrokerOptions, createBroker, DEFAULT_GATED_METHODS } from '../../../broker.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { answersTo, approvalsOf, eventsOf, subscribe } from '../../support/tool-scene.ts';

/* Requests that wait for a person's word (wire.md section 5). */

const CARS = [
  'automation.run_applescript',
  'automation.run_powershell',
  'automation.shortcuts.run',
  'messages.send',
  'mail.send',
  'calendar.create_event',
  'calendar.update_event',
  'calendar.delete_event',
  'vision.ocr',
];

/** A broker with the embedder's `mail.send` and `mail.read`, somebody who calls them, and somebody who answers. */
async function setUp(approvals?: ApprovalPolicy, options: BrokerOptions = {}) {
  const linked = startLinked({ ...options, ...(approvals ? { approvals } : {}) });
  const ran: unknown[] = [];
  for (const name of ['mail.send', 'mail.read']) {
    linked.broker.method(name, {
      schema: z.object({ to: z.string() }),
      handler: ({ to }) => {
        ran.push(to);
        return { sent: to };
      },
    });
  }
  const caller = await linked.host();
  const person = await linked.host();
  const send = async (params: unknown = { to: 'a' }, method = 'mail.send') => {
    const id = caller.post(method, params);
    await settle();
    return id;
  };
  const answer = async (resolution: string, n = -1) => {
    const row = (await approvalsOf(person)).at(n);
    return person.call('host.resolve_approval', { approval_id: row?.id, resolution });
  };
  return { linked, broker: linked.broker, caller, person, ran, send, answer };
}

test('the gate › when nothing is configured › then its set is CAR’s', () => {
  expect([...DEFAULT_GATED_METHODS].sort()).toEqual([...CARS].sort());
});

test.each(CARS)('the gate › when %s of an embedder is called › then it waits', async (method) => {
  const linked = startLinked();
  let runs = 0;
  linked.broker.method(method, { schema: z.unknown(), handler: () => ++runs });
  const caller = await linked.host();
  const id = caller.post(method, {});
  await settle();
  expect(caller.replyTo(id)).toBeUndefined();
  expect(runs).toBe(0);
  expect(await approvalsOf(caller)).toMatchObject([{ action: `ws.method:${method}` }]);
});

test('the gate › when a request is parked › then its row tells what it is, subscribers hear, and approved it runs', async () => {
  const { caller, person, ran, send, answer } = await setUp();
  await subscribe(person);
  const id = await send({ to: 'a@b.c' });
  expect([caller.replyTo(id), ran]).toEqual([undefined, []]);
  const rows = await approvalsOf(person);
  expect(rows).toEqual([
    {
      id: expect.stringMatching(/^approval-/),
      origin: 'gate',
      agent_id: null,
      action: 'ws.method:mail.send',
      details: { method: 'mail.send', params_preview: '{"to":"a@b.c"}' },
      options: ['approve', 'deny'],
      status: 'pending',
      created_at: '1970-01-01T00:00:00.000Z',
      expires_at: '1970-01-01T00:01:00.000Z',
    },
  ]);
  expect(eventsOf(person)).toMatchObject([{ kind: 'approval.requested', payload: rows[0] }]);
  expect((await answer('approve')).result.status).toBe('approved');
  expect(caller.replyTo(id).result).toEqual({ sent: 'a@b.c' });
  expect(ran).toEqual(['a@b.c']);
  expect(eventsOf(person).at(-1)).toMatchObject({ kind: 'approval.resolved', payload: { status: 'approved' } });
  expect((await answer('approve')).error.code).toBe(-32016);
  expect(ran).toHaveLength(1);
});

test('the gate › when an agent’s request is parked › then the row has its id', async () => {
  const { linked, person } = await setUp();
  const agent = await linked.agent('echo');
  agent.post('mail.send', { to: 'a' });
  await settle();
  expect(await approvalsOf(person)).toMatchObject([{ agent_id: 'echo', status: 'pending' }]);
});

test.each(['deny', 'approved', 'no'])(
  'the gate › when it is answered %j › then the caller gets -32003 denied, and it never runs',
  async (resolution) => {
    const { linked, caller, person, ran, send, answer } = await setUp();
    const id = await send();
    const [{ id: approval_id }] = (await approvalsOf(person)) as [{ id: string }];
    await answer(resolution);
    expect(caller.replyTo(id).error).toMatchObject({ code: -32003, data: { reason: 'denied', approval_id } });
    await linked.advance(120_000);
    expect(answersTo(caller, id)).toHaveLength(1);
    expect(ran).toEqual([]);
  },
);

test('the gate › when nobody answers for 60 s › then the caller gets -32003 timeout, and a later answer is too late', async () => {
  const { linked, caller, person, ran, send, answer } = await setUp();
  const id = await send();
  await linked.advance(59_999);
  expect(caller.replyTo(id)).toBeUndefined();
  await linked.advance(21);
  const [row] = await approvalsOf(person);
  expect(caller.replyTo(id).error).toMatchObject({ code: -32003, data: { reason: 'timeout', approval_id: row.id } });
  expect(row.status).toBe('expired');
  expect((await answer('approve')).error).toMatchObject({ code: -32016, data: { resolution: 'expired' } });
  expect(ran).toEqual([]);
  expect(await readMetric(linked.broker, 'approvals_total')).toEqual({ expired: 1 });
});

test('the gate › when its timeout is another › then it is that', async () => {
  const { linked, caller, send } = await setUp({ timeoutMs: 1_000 });
  const id = await send();
  await linked.advance(1_020);
  expect(caller.replyTo(id).error.data.reason).toBe('timeout');
});

test('the gate › when the parked caller answers itself, or an agent does › then -32015, and it waits on', async () => {
  const { linked, caller, person, ran, send, answer } = await setUp();
  const id = await send();
  const agent = await linked.agent('echo');
  const [row] = await approvalsOf(person);
  for (const client of [caller, agent]) {
    const { error } = await client.call('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
    expect(error.code).toBe(-32015);
  }
  expect([caller.replyTo(id), ran]).toEqual([undefined, []]);
  await answer('approve');
  expect(ran).toEqual(['a']);
});

test('the gate › when the parked caller disconnects › then it is withdrawn, and never runs', async () => {
  const { linked, caller, person, ran, send, answer } = await setUp();
  await send();
  caller.close();
  await settle();
  expect(await approvalsOf(person)).toMatchObject([{ status: 'withdrawn' }]);
  expect((await answer('approve')).error).toMatchObject({ code: -32016, data: { resolution: 'withdrawn' } });
  await linked.advance(120_000);
  expect(ran).toEqual([]);
});

test('the gate › when one request waits › then others of the same connection, and of others, go on', async () => {
  const { caller, ran, send, answer } = await setUp();
  const parked = await send({ to: 'parked' });
  const free = await send({ to: 'free' }, 'mail.read');
  expect(caller.replyTo(free).result).toEqual({ sent: 'free' });
  const second = await send({ to: 'second' });
  await answer('approve');
  await answer('deny');
  expect(ran).toEqual(['free', 'second']);
  expect(caller.replyTo(second).result).toEqual({ sent: 'second' });
  expect(caller.replyTo(parked).error.code).toBe(-32003);
});

test('the gate › when it is switched off › then nothing waits', async () => {
  const { caller, person, send } = await setUp({ enabled: false, methods: ['mail.send', 'agents.list'] });
  expect(caller.replyTo(await send()).result).toEqual({ sent: 'a' });
  expect(await caller.ok('agents.list')).toEqual([]);
  expect(await approvalsOf(person)).toEqual([]);
});

test('the gate › when its set is configured › then that is all there is, by exact name', async () => {
  const { caller, send } = await setUp({ methods: ['mail.read', 'mail', 'MAIL.SEND', 'mail.*'] });
  expect(caller.replyTo(await send()).result).toEqual({ sent: 'a' });
  expect(caller.replyTo(await send({ to: 'a' }, 'mail.read'))).toBeUndefined();
});

test('the gate › when the params are wrong › then -32602 at once, and nothing is parked', async () => {
  const { caller, person, send } = await setUp();
  const id = await send({ to: 1 });
  expect(caller.replyTo(id).error).toMatchObject({ code: -32602, data: { issues: [{ path: 'to' }] } });
  expect(await approvalsOf(person)).toEqual([]);
});

test('the gate › when a method in its set is unknown, or for another role › then -32601 at once, and nothing is parked', async () => {
  const { caller, person, send } = await setUp({ methods: ['mail.send', 'mail.none', 'agents.remove'] });
  expect(caller.replyTo(await send({}, 'mail.none')).error.code).toBe(-32601);
  expect(caller.replyTo(await send({ id: 'a' }, 'agents.remove')).error.code).toBe(-32601);
  expect(await approvalsOf(person)).toEqual([]);
});

test('the gate › when a gated method comes as a notification › then it waits like any other, and nobody is answered', async () => {
  const { caller, person, ran, answer } = await setUp();
  const frames = caller.frames.length;
  caller.notify('mail.send', { to: 'one' });
  caller.notify('mail.send', { to: 'two' });
  await settle();
  expect(ran).toEqual([]);
  expect(await approvalsOf(person)).toHaveLength(2);
  await answer('deny', 0);
  await answer('approve', 1);
  expect(ran).toEqual(['two']);
  expect(caller.frames).toHaveLength(frames);
});

test('the gate › when 64 of a connection’s wait › then the next gets -32020', async () => {
  const { caller, person, send } = await setUp();
  for (let n = 0; n < 64; n += 1) await send();
  const { error } = caller.replyTo(await send());
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_pending_approvals', value: 64 } } });
  expect(await approvalsOf(person)).toHaveLength(64);
});

test.each(['session.auth', 'server.handshake', 'host.resolve_approval'])(
  'createBroker › when %s is to be gated › then it is refused, switched off or not',
  (method) => {
    for (const enabled of [true, false]) {
      expect(() => createBroker({ approvals: { enabled, methods: ['mail.send', method] } })).toThrow(method);
    }
  },
);

test('the gate › when built-in methods are named › then they wait, and are judged when they run', async () => {
  const { linked, caller, answer } = await setUp({ methods: ['agents.chat', 'agents.list', 'host.subscribe'] });
  const agent = await linked.agent('echo');
  const early = caller.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  const listing = caller.post('agents.list');
  const subscribing = caller.post('host.subscribe');
  await settle();
  expect(agent.received('agent.chat')).toEqual([]);
  await answer('approve', 0);
  // What has ended is listed first.
  await answer('approve', 1);
  await answer('approve', 2);
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(caller.replyTo(early).result).toMatchObject({ accepted: true, session_id: 's' });
  expect(caller.replyTo(listing).result).toMatchObject([{ spec: { id: 'echo' } }]);
  expect(caller.replyTo(subscribing).error.code).toBe(-32005);
  const late = caller.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'later' });
  await settle();
  agent.close();
  await settle();
  await answer('approve');
  // It has only just gone, and may be back.
  expect(caller.replyTo(late)).toBeUndefined();
  await linked.advance(2_000);
  expect(caller.replyTo(late).error).toMatchObject({ code: -32011, data: { agent_id: 'echo' } });
});

test('draining › when a chat is parked at the gate › then approved it gets -32021, and what else is parked runs', async () => {
  const { linked, broker, caller, person, ran, answer, send } = await setUp({ methods: ['agents.chat', 'mail.send'] });
  const agent = await linked.agent('echo');
  person.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'live' });
  await settle();
  const [live] = await approvalsOf(person);
  await (await linked.manager()).ok('host.resolve_approval', { approval_id: live.id, resolution: 'approve' });
  agent.answer(agent.lastChat(), { accepted: true });
  const chat = caller.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  await send();
  void broker.close();
  await settle();
  await answer('approve', 1);
  await answer('approve', 2);
  expect(caller.replyTo(chat).error.code).toBe(-32021);
  expect(ran).toEqual(['a']);
  expect(agent.received('agent.chat')).toHaveLength(1);
});

test('draining › when nothing is live › then what is parked is withdrawn with its connection', async () => {
  const { broker, caller, ran, send } = await setUp();
  const id = await send();
  await broker.close();
  expect(caller.closed).toBe(1001);
  expect(caller.replyTo(id)).toBeUndefined();
  expect(ran).toEqual([]);
  expect(await readMetric(broker, 'approvals_total')).toEqual({ withdrawn: 1 });
});

test('agents.chat.cancel › when it is gated and the turn ends meanwhile › then approved it finds no session', async () => {
  const { linked, caller, answer } = await setUp({ methods: ['agents.chat.cancel'] });
  const agent = await linked.agent('echo');
  await openChat(caller, agent, { agent_id: 'echo', session_id: 's' });
  const id = caller.post('agents.chat.cancel', { session_id: 's' });
  await settle();
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  await answer('approve');
  expect(caller.replyTo(id).error.code).toBe(-32014);
});
