import { expect, test } from 'vitest';
import { AGENTS } from '../../../actors/connection/agent-registry.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
import { type Internals, StubbornLink, startInternals } from '../../support/internals.ts';
import { openChat, settle } from '../../support/linked.ts';

/* Laws 8 and 15 of the design: what nobody is waiting for goes nowhere. */

const token = (session_id: string) => ({
  method: 'agent.chat.event',
  params: { session_id, kind: 'token', delta: 'late' },
});

/** An agent on a link that goes on delivering whatever the test says, even when it was closed. */
function stubbornAgent(internals: Internals, id: string) {
  const { token } = internals.state.get(AGENTS).upsert({ id, rotate_token: true });
  const link = new StubbornLink();
  internals.open(link);
  link.deliver({ id: 'auth', method: 'session.auth', params: { agent_id: id, token } });
  const chatId = () => {
    const chats = link.sent.map((text) => JSON.parse(text)).filter((frame) => frame.method === 'agent.chat');
    return chats.at(-1)?.id;
  };
  return { link, chatId };
}

async function scene() {
  const internals = startInternals({ limits: { agentWaitMs: 0 } });
  const host = await internals.host();
  const old = stubbornAgent(internals, 'echo');
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
  await settle();
  old.link.deliver({ id: old.chatId(), result: { accepted: true } });
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
  return { internals, host, old };
}

test('law 15 › when a replaced connection goes on sending › then nothing of it touches the new one or its turns', async () => {
  const { internals, host, old } = await scene();
  const sent = old.link.sent.length;
  const newer = await internals.agent('echo');
  expect(old.link.closeCode).toBe(4409);
  await openChat(host, newer, { agent_id: 'echo', session_id: 's' });
  const before = host.frames.length;
  old.link.deliver(token('s'));
  old.link.deliver({ method: 'agent.chat.event', params: { session_id: 's', kind: 'done', finish_reason: 'stop' } });
  old.link.deliver({ id: 9, method: 'agents.chat', params: { agent_id: 'echo', prompt: 'hi' } });
  old.link.deliver({ id: 10, method: 'session.auth', params: { token: 'daemon-token' } });
  await settle();
  expect(host.frames).toHaveLength(before);
  expect(newer.received('agent.chat')).toHaveLength(1);
  // The cancel of its turn was all that it still got.
  const late = old.link.sent.slice(sent).map((text) => JSON.parse(text).method);
  expect(late).toEqual(['agent.chat.cancel']);
  expect(await host.ok('agents.list')).toMatchObject([{ attached: true, turns: 1 }]);
});

test('law 15 › when a replaced connection’s socket ends at last › then the agent stays attached, and its turns go on', async () => {
  const { internals, host, old } = await scene();
  const newer = await internals.agent('echo');
  await openChat(host, newer, { agent_id: 'echo', session_id: 't' });
  old.link.handlers?.closed(4409);
  newer.emit('t', { kind: 'token', delta: 'a' });
  await settle();
  expect(host.events('t')).toMatchObject([{ delta: 'a' }]);
  expect(internals.state.attached.get('echo')?.isOpen).toBe(true);
  expect(internals.state.clients.size).toBe(2);
});

test('law 15 › when a replaced connection answers a chat that was asked of it › then it is no ack for the new one', async () => {
  const { internals, host, old } = await scene();
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 't' });
  await settle();
  const asked = old.chatId();
  const newer = await internals.agent('echo');
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 't' });
  await settle();
  old.link.deliver({ id: asked, result: { accepted: true } });
  old.link.deliver({ id: newer.lastChat().id, result: { accepted: true } });
  await settle();
  expect(host.replyTo(id)).toBeUndefined();
  newer.answer(newer.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
});

test('law 15 › when a socket delivers after it has closed › then nobody hears it, and nothing breaks', async () => {
  const { internals, host, old } = await scene();
  old.link.handlers?.closed(1006);
  await settle();
  expect(host.events('s')).toMatchObject([{ code: 'agent_disconnected' }]);
  const sent = old.link.sent.length;
  old.link.deliver(token('s'));
  old.link.deliver({ id: 5, method: 'agents.list' });
  old.link.handlers?.binary(new Uint8Array(1));
  old.link.handlers?.closed(1006);
  await settle();
  expect(host.events('s')).toHaveLength(1);
  expect(old.link.sent).toHaveLength(sent);
  expect(internals.state.clients.size).toBe(1);
  expect(internals.root.getSnapshot()).toMatchObject({ status: 'active', children: {} });
});

test('law 15 › when a connection was told to close and has not › then nothing is written to it, and nothing that it sends is heard', async () => {
  const { internals, host, old } = await scene();
  old.link.handlers?.binary(new Uint8Array(1));
  expect(old.link.closeCode).toBe(1003);
  const sent = old.link.sent.length;
  old.link.deliver(token('s'));
  old.link.deliver({ id: 5, method: 'agents.list' });
  await settle();
  expect(host.events('s')).toMatchObject([{ code: 'agent_disconnected' }]);
  expect((await host.call('agents.chat', { agent_id: 'echo', prompt: 'hi' })).error.code).toBe(-32011);
  expect(old.link.sent).toHaveLength(sent);
  expect(internals.state.clients.size).toBe(2);
  // Not even looked at: what gets as far as the root is counted there.
  expect(internals.state.counters.drops).toEqual(new Map());
});

test('law 15 › when an event of a replaced connection reaches the root after all › then the connection is compared, not its agent’s id', async () => {
  const { internals, host } = await scene();
  const from = internals.attached('echo');
  const newer = await internals.agent('echo');
  await openChat(host, newer, { agent_id: 'echo', session_id: 't' });
  const params = { session_id: 't', kind: 'token', delta: 'late' };
  internals.root.send({ type: 'chat.event', from, params, bytes: 10 });
  await settle();
  expect(host.events('t')).toEqual([]);
  expect(internals.state.counters.drops).toEqual(new Map([['not_owner', 1]]));
});

test('law 15 › when an old turn’s events come under its own turn_id › then the new turn of that session hears none', async () => {
  const internals = startInternals();
  const host = await internals.host();
  const agent = await internals.agent('echo');
  const first = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', on_busy: 'replace' });
  agent.emit('s', { kind: 'done', finish_reason: 'stop', turn_id: first.turn_id });
  await settle();
  expect(internals.state.get(TURNS).byId.size).toBe(1);
  expect(internals.state.counters.drops.get('wrong_turn')).toBe(1);
});

test('law 8 › when an event is for an unknown session › then the root hears it once, and not itself again', async () => {
  const internals = startInternals();
  const agent = await internals.agent('echo');
  const heard: string[] = [];
  internals.inspect((event) => {
    if (event.type === '@xstate.event' && event.actorRef === internals.root) heard.push(event.event.type);
  });
  for (let n = 0; n < 10; n += 1) agent.emit('nope', { kind: 'token', delta: 'a' });
  await settle();
  expect(heard).toEqual(Array(10).fill('chat.event'));
  expect(internals.state.counters.drops).toEqual(new Map([['unknown_session', 10]]));
});

test('close › when a socket never answers the close frame › then it is cut after two seconds, and the broker stops', async () => {
  const internals = startInternals();
  let isStopped = false;
  internals.state.onStopped = () => {
    isStopped = true;
  };
  const { link } = stubbornAgent(internals, 'echo');
  internals.root.send({ type: 'broker.drain' });
  await internals.advance(1_999);
  expect([link.closeCode, link.isCut, isStopped]).toEqual([1001, false, false]);
  await internals.advance(1);
  expect([link.isCut, isStopped]).toEqual([true, true]);
  expect(internals.state.deadlines.size).toBe(0);
});
