import { expect, test } from 'vitest';
import { LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';

/** A broker with a live turn in session `s`, and whether its `close()` has resolved. */
async function live() {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const state = { isClosed: false };
  const stop = async () => {
    void linked.broker.close().then(() => {
      state.isClosed = true;
    });
    await settle();
  };
  return { linked, host, agent, stop, state };
}

const DONE = { kind: 'done', finish_reason: 'stop' };
const chat = (session_id: string, more: object = {}) => ({ agent_id: 'echo', prompt: 'hi', session_id, ...more });

test('close › when nothing is live › then every socket is closed with 1001, and it resolves at once', async () => {
  const linked = startLinked();
  const clients = [await linked.host(), await linked.agent('echo'), await linked.manager(), linked.connect()];
  await linked.broker.close();
  expect(clients.map((client) => client.closed)).toEqual([1001, 1001, 1001, 1001]);
  expect(linked.clock.now()).toBe(0);
});

test('close › when nobody is connected › then it resolves', async () => {
  await startLinked().broker.close();
});

test('close › when it is called twice › then both share one end', async () => {
  const { linked, host } = await live();
  const closing = [linked.broker.close(), linked.broker.close()];
  await linked.advance(10_000);
  await Promise.all(closing);
  expect(host.events()).toHaveLength(1);
  await linked.broker.close();
});

test('draining › when a chat is opened › then -32021, whatever it is like, and the agent hears nothing of it', async () => {
  const { host, agent, stop } = await live();
  await stop();
  for (const params of [chat('new'), chat('s'), chat('s', { on_busy: 'queue' }), chat('s', { on_busy: 'replace' })]) {
    expect((await host.call('agents.chat', params)).error.code).toBe(-32021);
  }
  expect(agent.received('agent.chat')).toHaveLength(1);
});

test('draining › when a chat’s params are wrong › then -32602 comes first', async () => {
  const { host, stop } = await live();
  await stop();
  const { error } = await host.call('agents.chat', { agent_id: 'echo', prompt: 1 });
  expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'prompt' }] } });
});

test('draining › when a chat is opened as a notification › then nothing happens', async () => {
  const { host, agent, stop } = await live();
  await stop();
  const before = host.frames.length;
  host.notify('agents.chat', chat('new'));
  await settle();
  expect(host.frames).toHaveLength(before);
  expect(agent.received('agent.chat')).toHaveLength(1);
});

test('draining › when chats were queued › then they get -32021 at once, and do not start when the live one ends', async () => {
  const { host, agent, stop } = await live();
  const ids = [1, 2].map(() => host.post('agents.chat', chat('s', { on_busy: 'queue' })));
  await settle();
  await stop();
  for (const id of ids) expect(host.replyTo(id).error.code).toBe(-32021);
  agent.emit('s', DONE);
  await settle();
  expect(agent.received('agent.chat')).toHaveLength(1);
});

test('draining › when live turns end by themselves › then their terminals arrive, and it is over with the last, ahead of time', async () => {
  const { linked, host, agent, stop, state } = await live();
  await openChat(host, agent, chat('t'));
  await stop();
  await linked.advance(5_000);
  agent.emit('s', { kind: 'token', delta: 'a' });
  agent.emit('s', DONE);
  await settle();
  expect([host.closed, state.isClosed]).toEqual([undefined, false]);
  agent.emit('t', DONE);
  await settle();
  expect(host.events().map((event) => [event.session_id, event.kind])).toEqual([
    ['s', 'token'],
    ['s', 'done'],
    ['t', 'done'],
  ]);
  expect([host.closed, agent.closed, state.isClosed]).toEqual([1001, 1001, true]);
  expect(agent.received('agent.chat.cancel')).toEqual([]);
});

test('draining › when ten seconds have passed, and no sooner › then the rest ends as draining on both sides, before the sockets', async () => {
  const { linked, host, agent, stop, state } = await live();
  await openChat(host, agent, chat('parked'));
  agent.emit('parked', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await openChat(host, agent, chat('cancelling'));
  await host.ok('agents.chat.cancel', { session_id: 'cancelling', grace_ms: 30_000 });
  const dispatching = host.post('agents.chat', chat('dispatching'));
  await settle();
  await stop();
  await linked.advance(9_999 - 5_020);
  // Its ack is late by then.
  await linked.advance(5_020);
  expect(host.replyTo(dispatching).error.code).toBe(-32013);
  expect([host.closed, state.isClosed]).toEqual([undefined, false]);
  expect(host.events('s')).toEqual([]);
  await linked.advance(1);
  const draining = { kind: 'error', code: 'draining', synthesized: true };
  expect(host.events('s')).toMatchObject([draining]);
  expect(host.events('parked')).toMatchObject([{ kind: 'approval_pending' }, draining]);
  expect(host.events('cancelling')).toMatchObject([{ kind: 'done', finish_reason: 'cancelled', synthesized: true }]);
  const reasons = agent.received('agent.chat.cancel').map(({ params }) => [params.session_id, params.reason]);
  expect(reasons).toEqual([
    ['cancelling', 'host_cancelled'],
    ['s', 'draining'],
    ['parked', 'draining'],
  ]);
  expect([host.closed, agent.closed, state.isClosed]).toEqual([1001, 1001, true]);
});

test('draining › when a turn still waits for its ack at the end › then its chat gets -32021, and the agent a cancel', async () => {
  const linked = startLinked({ limits: { drainTimeoutMs: 1_000 } });
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const id = host.post('agents.chat', chat('s'));
  await settle();
  const closed = linked.broker.close();
  await linked.advance(1_000);
  await closed;
  expect(host.replyTo(id).error.code).toBe(-32021);
  expect(agent.received('agent.chat.cancel').map((frame) => frame.params.reason)).toEqual(['draining']);
  expect(host.events()).toEqual([]);
});

test('draining › when a dispatched turn is acked meanwhile › then it is accepted and may end', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const id = host.post('agents.chat', chat('s'));
  await settle();
  const closed = linked.broker.close();
  agent.answer(agent.lastChat(), { accepted: true });
  agent.emit('s', DONE);
  await closed;
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
  expect(host.events()).toMatchObject([{ kind: 'done' }]);
});

test('draining › when it is asked for other things › then they are answered, and a live turn can be cancelled', async () => {
  const { host, stop, state } = await live();
  await stop();
  expect((await host.ok('agents.chat.sessions')).sessions).toHaveLength(1);
  expect(await host.ok('agents.list')).toMatchObject([{ attached: true, turns: 1 }]);
  expect(await host.ok('agents.chat.cancel', { session_id: 's' })).toEqual({ cancelled: true, session_id: 's' });
  expect([host.closed, state.isClosed]).toEqual([1001, true]);
});

test('draining › when somebody connects › then the connection is closed with 1001', async () => {
  const { linked, host, agent, stop } = await live();
  await stop();
  const late = linked.connect();
  await settle();
  expect(late.closed).toBe(1001);
  agent.emit('s', DONE);
  await settle();
  expect(host.events()).toHaveLength(1);
});

test('close › when it has resolved › then a connection is closed with 1001, and nothing can be listened on', async () => {
  const { linked, stop, agent, state } = await live();
  await stop();
  agent.emit('s', DONE);
  await settle();
  expect(state.isClosed).toBe(true);
  const late = new LinkedClient(linked.broker.connect());
  await settle();
  expect(late.closed).toBe(1001);
  await expect(linked.broker.listen({ port: 0 })).rejects.toThrow('stopping');
});

test('draining › when the host leaves, or the agent does › then it is over with the last turn', async () => {
  for (const leaving of ['host', 'agent'] as const) {
    const scene = await live();
    await scene.stop();
    scene[leaving].close();
    await settle();
    expect(scene.state.isClosed).toBe(true);
    expect(await readMetric(scene.linked.broker, 'turns')).toEqual({});
  }
});
