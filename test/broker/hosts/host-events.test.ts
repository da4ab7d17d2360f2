import { expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { eventsOf, pending, resolved, subscribe } from '../../support/tool-scene.ts';

/* What happens, numbered without a gap (wire.md section 4). */

const kindsOf = (events: Message[]) => events.map((event) => event.kind);
const sequences = (events: Message[]) => events.map((event) => event.sequence);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const notify = (client: LinkedClient, count: number, from = 0) => {
  for (let n = from; n < from + count; n += 1) client.post('host.notify', { message: `n${n}` });
};

test('host.subscribe › when server.handshake was not called › then -32005, and nothing is heard; no other method needs it', async () => {
  const linked = startLinked();
  const host = await linked.host();
  expect((await host.call('host.subscribe', {})).error.code).toBe(-32005);
  await host.ok('host.notify', {});
  for (const method of ['host.agents', 'host.approvals', 'host.events', 'session.init', 'tools.list', 'agents.list']) {
    await host.ok(method);
  }
  expect(eventsOf(host)).toEqual([]);
  expect((await host.call('server.handshake', { protocol_version: 1 })).error.code).toBe(-32006);
  expect((await host.call('host.subscribe')).error.code).toBe(-32005);
});

test.each([2, 3])(
  'host.subscribe › when protocol %d was agreed on › then the snapshot has every field',
  async (protocol_version) => {
    const linked = startLinked();
    const other = await linked.host();
    const agent = await other.ok('host.register_agent', { id: 'a', name: 'A', kind: 'k' });
    const approval = await other.ok('host.request_approval', { action: 'rm' });
    const event = await other.ok('host.notify', { message: 'hello' });
    const host = await linked.host();
    await host.ok('server.handshake', { protocol_version });
    const snapshot = await host.ok('host.subscribe', {});
    expect(snapshot).toEqual({
      subscribed: true,
      agents: [agent],
      devices: [],
      approvals: [approval],
      events: expect.any(Array),
      event_sequence: 3,
      events_epoch: expect.stringMatching(/^epoch-/),
      identity: { version: linked.broker.version, pid: process.pid },
    });
    expect(kindsOf(snapshot.events)).toEqual(['agent.registered', 'approval.requested', 'host.notification']);
    expect(snapshot.events[2]).toEqual(event);
  },
);

test('host.event › when something happens › then it has every field', async () => {
  const linked = startLinked();
  const host = await linked.host();
  await subscribe(host);
  const before = Date.now();
  const answered = await host.ok('host.notify', { agent_id: 'a', message: 'm', payload: [null] });
  const [frame] = host.received('host.event');
  expect(frame).toEqual({ jsonrpc: '2.0', method: 'host.event', params: answered });
  expect(answered).toEqual({
    id: expect.stringMatching(/^event-/),
    sequence: 1,
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    kind: 'host.notification',
    agent_id: 'a',
    message: 'm',
    payload: [null],
  });
  expect(Date.parse(answered.timestamp)).toBeGreaterThanOrEqual(before);
});

test('host.subscribe › when things happen all the while › then snapshot and live events have no hole and no gap between them', async () => {
  const linked = startLinked();
  const busy = await linked.host();
  const host = await linked.host();
  await host.ok('server.handshake', { protocol_version: 3 });
  notify(busy, 5);
  const id = host.post('host.subscribe');
  notify(busy, 5, 5);
  notify(host, 1, 10);
  await settle();
  notify(busy, 3, 11);
  await settle();
  const snapshot = host.replyTo(id).result;
  expect(sequences(snapshot.events)).toEqual(range(1, snapshot.event_sequence));
  expect(sequences(eventsOf(host).filter((event) => event.sequence > snapshot.event_sequence))).toEqual(
    range(snapshot.event_sequence + 1, 14),
  );
  const all = [...snapshot.events, ...eventsOf(host)];
  expect(new Set(all.map((event) => event.id)).size).toBe(14);
});

test('host.event › when several have subscribed › then each hears every event once and in order, subscribed twice or not, and the others none', async () => {
  const linked = startLinked();
  const [first, second, other] = [await linked.host(), await linked.manager(), await linked.host()];
  await subscribe(first);
  await first.ok('host.subscribe');
  const { event_sequence } = await subscribe(second);
  notify(other, 20);
  await settle();
  for (const client of [first, second]) {
    expect(sequences(eventsOf(client))).toEqual(range(event_sequence + 1, event_sequence + 20));
  }
  expect(eventsOf(other)).toEqual([]);
  first.close();
  await settle();
  notify(other, 1);
  await settle();
  expect(eventsOf(first)).toHaveLength(20);
  expect(eventsOf(second)).toHaveLength(21);
});

test('host.event › when everything happens that can › then each kind comes, in order and with its agent', async () => {
  const linked = startLinked({ approvals: { methods: ['tools.execute:clock'] } });
  const watcher = await linked.host();
  const { event_sequence } = await subscribe(watcher);
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const agent = await linked.agent('echo');
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.emit('s', pending('a'));
  agent.emit('s', resolved('a'));
  agent.post('tools.execute', { session_id: 's', tool: 'clock', parameters: {} });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  await host.ok('host.register_agent', { id: 'mine', name: 'Mine', kind: 'k' });
  await host.ok('host.set_status', { agent_id: 'mine', status: 'running' });
  await host.ok('host.notify', { kind: 'my.kind', agent_id: 'mine' });
  await host.ok('host.notify', {});
  await host.ok('host.unregister_agent', { agent_id: 'mine' });
  agent.close();
  await settle();
  const events = eventsOf(watcher);
  expect(events.map(({ kind, agent_id }) => [kind, agent_id])).toEqual([
    ['agent.attached', 'echo'],
    ['chat.started', 'echo'],
    ['approval.requested', 'echo'],
    ['approval.resolved', 'echo'],
    ['approval.requested', 'echo'],
    ['approval.resolved', 'echo'],
    ['chat.ended', 'echo'],
    ['agent.registered', 'mine'],
    ['agent.status_changed', 'mine'],
    ['my.kind', 'mine'],
    ['host.notification', undefined],
    ['agent.unregistered', 'mine'],
    ['agent.detached', 'echo'],
  ]);
  expect(sequences(events)).toEqual(range(event_sequence + 1, event_sequence + 13));
  const { session_id } = await host.ok('session.init');
  expect(events[1].payload).toEqual({ session_id: 's', turn_id, host_client_id: session_id });
  expect(events[6].payload).toMatchObject({ session_id: 's', turn_id, ending: 'done' });
  expect(events[5].payload.status).toBe('withdrawn');
  for (const { message } of events) expect(message).toEqual(expect.any(String));
});

test('host.event › when an agent connects anew › then it is attached again, and the end of the older one detaches nobody', async () => {
  const linked = startLinked();
  const watcher = await linked.host();
  await subscribe(watcher);
  await linked.agent('echo');
  const newer = await linked.agent('echo');
  await settle();
  expect(kindsOf(eventsOf(watcher))).toEqual(['agent.attached', 'agent.attached']);
  newer.close();
  await settle();
  expect(kindsOf(eventsOf(watcher)).at(-1)).toBe('agent.detached');
});

test('host.events › when more than 500 have happened › then the last 500 are kept, and the snapshot has them all', async () => {
  const linked = startLinked();
  const host = await linked.host();
  notify(host, 503);
  await settle();
  const { events } = await host.ok('host.events', { limit: 500 });
  expect(sequences(events)).toEqual(range(4, 503));
  const snapshot = await subscribe(host);
  expect(sequences(snapshot.events)).toEqual(range(4, 503));
  expect(snapshot.event_sequence).toBe(503);
});

test('host.events › when a limit is given, or none › then the newest come, a hundred of them otherwise, oldest first', async () => {
  const linked = startLinked();
  const host = await linked.host();
  expect(await host.ok('host.events')).toEqual({ events: [] });
  notify(host, 150);
  await settle();
  const listed = async (params?: object) => sequences((await host.ok('host.events', params)).events);
  expect(await listed()).toEqual(range(51, 150));
  expect(await listed({})).toEqual(range(51, 150));
  expect(await listed({ limit: 1 })).toEqual([150]);
  expect(await listed({ limit: 3 })).toEqual([148, 149, 150]);
  expect(await listed({ limit: 500 })).toEqual(range(1, 150));
});

test.each([0, 501, 1.5, '10', {}, -1])('host.events › when the limit is %j › then -32602', async (limit) => {
  const linked = startLinked();
  const { error } = await (await linked.host()).call('host.events', { limit });
  expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'limit' }] } });
});

test('host.notify › when an agent notifies › then its own id is stamped, whatever it sends', async () => {
  const linked = startLinked();
  const agent = await linked.agent('echo');
  expect(await agent.ok('host.notify', { agent_id: 'other', kind: 'x' })).toMatchObject({
    agent_id: 'echo',
    kind: 'x',
  });
  expect(await agent.ok('host.notify')).toMatchObject({
    agent_id: 'echo',
    kind: 'host.notification',
    message: '',
    payload: {},
  });
});

test.each([
  'agent.registered',
  'agent.unregistered',
  'agent.status_changed',
  'agent.attached',
  'agent.detached',
  'approval.requested',
  'approval.resolved',
  'chat.started',
  'chat.ended',
])(
  'host.notify › when the kind is %s, which the broker itself emits › then -32602, and nothing is told',
  async (kind) => {
    const linked = startLinked();
    for (const client of [await linked.host(), await linked.manager()]) {
      const { error } = await client.call('host.notify', { kind });
      expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'kind' }] } });
      expect(await client.ok('host.events')).toEqual({ events: [] });
    }
    expect(await (await linked.host()).ok('host.notify', { kind: 'host.notification' })).toMatchObject({ sequence: 1 });
  },
);

test.each([
  [{ kind: '' }, ['kind']],
  [{ kind: 1, agent_id: 'a b', message: 7 }, ['kind', 'agent_id', 'message']],
  [{ message: 'x'.repeat(4_097) }, ['message']],
  [{ kind: 'x'.repeat(257) }, ['kind']],
])('host.notify › when the params are %j › then -32602 names every field that is wrong', async (params, paths) => {
  const linked = startLinked();
  const { error } = await (await linked.host()).call('host.notify', params);
  expect(error.code).toBe(-32602);
  expect(error.data.issues.map((issue: Message) => issue.path)).toEqual(paths);
});

test('host.notify › when its payload is beyond 64 KiB › then -32020, and nothing is told', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const { error } = await host.call('host.notify', { payload: 'ü'.repeat(32 * 1024) });
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_payload_bytes', value: 65_536 } } });
  expect(await host.ok('host.notify', { payload: 'x'.repeat(64 * 1024 - 2) })).toMatchObject({ sequence: 1 });
});

test('host.notify › when it comes as a notification › then subscribers hear it, and nobody is answered', async () => {
  const linked = startLinked();
  const host = await linked.host();
  await subscribe(host);
  host.notify('host.notify', { message: 'm' });
  await settle();
  expect(host.frames.slice(3)).toMatchObject([{ method: 'host.event', params: { message: 'm' } }]);
});
