import { expect, test } from 'vitest';
import { openChat, settle } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { acked, DONE, startComeback, told } from './comeback-scene.ts';

/* An agent that numbers its events loses its connection, and goes on with another (docs/protocol.md, section 8). */

test('session.auth › with resume › then the agent is told how long its turns wait', async () => {
  const { linked, attach } = await startComeback({ limits: { agentWindowMs: 5_000 } });
  const agent = await attach();
  expect(agent.frames[0].result).toMatchObject({ ok: true, agent_id: 'echo', agent_window_ms: 5_000 });
  expect((await attach(false)).frames[0].result).not.toHaveProperty('agent_window_ms');
  const host = await linked.connect();
  const { result } = await host.call('session.auth', { token: linked.broker.tokens.daemon, resume: true });
  expect(result).not.toHaveProperty('agent_window_ms');
});

test('session.auth › with resume › when it is refused › then nothing waits for that agent', async () => {
  const { linked, host } = await startComeback();
  const { token } = linked.broker.upsertAgent({ id: 'other' });
  const agent = linked.connect();
  await agent.call('session.auth', { agent_id: 'other', token: 'wrong', resume: true });
  const result = await agent.ok('session.auth', { agent_id: 'other', token });
  expect(result).not.toHaveProperty('agent_window_ms');
  const { error } = await agent.call('session.auth', { agent_id: 'other', token, resume: true });
  expect(error.code).toBe(-32600);
  await openChat(host, agent, { agent_id: 'other', session_id: 't' });
  agent.cut();
  await settle();
  expect(host.events('t').map(({ kind }) => kind)).toEqual(['error']);
});

test('an agent › when it is cut off in the middle and back in time › then no word is missing, and none comes twice', async () => {
  const { host, agent, say, cut, back, status } = await startComeback();
  await say(agent, 1, 'a', 'b');
  await cut();
  expect(await status()).toBe('orphaned');
  const { agent: next, row } = await back({ next: 5, kept_from: 1 });
  expect(row).toEqual({ turn_id: expect.any(String), status: 'resumed', after: 2, released: 2 });
  expect(await status()).toBe('streaming');
  await say(next, 3, 'c', 'd', DONE);
  expect(told(host)).toEqual(['1 a', '2 b', 'agent_away', 'agent_back', '3 c', '4 d', '5 done stop']);
  expect(next.received('agent.chat.cancel')).toEqual([]);
});

test('an agent › when it sends all of it again › then what has arrived is dropped, and told again that it has', async () => {
  const { linked, host, agent, say, cut, back } = await startComeback();
  await say(agent, 1, 'a', 'b');
  await cut();
  const { agent: next } = await back();
  await say(next, 1, 'a', 'b', 'c');
  expect(told(host)).toEqual(['1 a', '2 b', 'agent_away', 'agent_back', '3 c']);
  await linked.advance(60);
  expect(acked(next)).toEqual([[3, 3]]);
  expect(await readDrops(linked.broker)).toEqual({ repeated: 2 });
});

test('an agent › when it does not come back › then its turns end with its window, and not before', async () => {
  const { linked, host, agent, say, cut, back, status } = await startComeback();
  await say(agent, 1, 'a');
  await cut();
  await linked.advance(59_900);
  expect(await status()).toBe('orphaned');
  await linked.advance(140);
  expect(await status()).toBeUndefined();
  expect(told(host)).toEqual(['1 a', 'agent_away', '2 error agent_disconnected']);
  expect(host.events('s').at(-1)).toMatchObject({ synthesized: true });
  const { row } = await back();
  expect(row).toMatchObject({ status: 'unknown' });
});

test('an agent › when its turn ended while it was away and can be resumed › then it hears that it has ended', async () => {
  const { host, cut, back } = await startComeback({}, { resume_window_ms: 60_000 });
  await cut();
  await host.ok('agents.chat.cancel', { session_id: 's' });
  const { agent, row } = await back({ next: 7 });
  expect(row).toMatchObject({ status: 'ended', after: 6, released: 6 });
  expect(agent.received('agent.chat.cancel')).toEqual([]);
});

test('an agent › that does not number its events › then its turns end with its connection, as ever', async () => {
  const { linked, host, attach } = await startComeback();
  const plain = await linked.agent('plain');
  const id = host.post('agents.chat', { agent_id: 'plain', prompt: 'hi', session_id: 'p' });
  await settle();
  plain.answer(plain.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
  plain.close();
  await settle();
  expect(host.events('p')).toEqual([expect.objectContaining({ kind: 'error', code: 'agent_disconnected', seq: 1 })]);
  const old = await attach(false);
  expect((await old.call('agent.resume', { turns: [] })).error.code).toBe(-32600);
});

test('an agent › where no turn waits for one › then it is treated as any', async () => {
  const { host, agent, say, cut, attach } = await startComeback({ limits: { agentWindowMs: 0 } });
  expect(agent.frames[0].result).not.toHaveProperty('agent_window_ms');
  await say(agent, 1, 'a');
  await say(agent, 1, 'b');
  await cut();
  expect(told(host)).toEqual(['1 a', '2 b', '3 error agent_disconnected']);
  expect((await (await attach()).call('agent.resume', { turns: [] })).error.code).toBe(-32600);
});

test('an agent › of which the host is away, too › then the turn waits for both', async () => {
  const { linked, host, agent, say, cut, back, status } = await startComeback({}, { resume_window_ms: 60_000 });
  await cut();
  await cut(host);
  expect(await status()).toBe('orphaned');
  const { agent: next } = await back();
  expect(await status()).toBe('detached');
  await say(next, 1, 'a');
  await cut(next);
  const manager = await linked.manager();
  const { status: stands, head } = await manager.ok('agents.chat.subscribe', { session_id: 's' });
  expect([stands, head]).toEqual(['orphaned', 1]);
  await back();
  expect(await status()).toBe('streaming');
  expect(agent.received('agent.chat.cancel')).toEqual([]);
});

test('an agent › when its host has gone for good while it was away › then its turn is over', async () => {
  const { host, cut, back } = await startComeback();
  await cut();
  await cut(host);
  expect((await back()).row.status).toBe('unknown');
});

test('an agent › when it is away › then its silence is none', async () => {
  const limits = { agentWindowMs: 600_000, staleAfterMs: 10_000 };
  const { linked, cut, back, status } = await startComeback({ limits });
  await linked.advance(5_000);
  await cut();
  await linked.advance(60_000);
  expect(await status()).toBe('orphaned');
  await back();
  await linked.advance(9_000);
  expect(await status()).toBe('streaming');
});

test('an agent › when it has closed its connection itself › then nothing waits for it', async () => {
  const { host, agent, say } = await startComeback();
  await say(agent, 1, 'a');
  agent.close();
  await settle();
  expect(told(host)).toEqual(['1 a', '2 error agent_disconnected']);
});

test('an agent › when it is removed › then nothing waits for it', async () => {
  const { linked, host } = await startComeback();
  const manager = await linked.manager();
  await manager.ok('agents.remove', { id: 'echo' });
  await settle();
  expect(told(host)).toEqual(['1 error agent_disconnected']);
});

test('an agent › when it is away and the broker stops › then its turn ends as any', async () => {
  const { linked, host, cut } = await startComeback({ limits: { drainTimeoutMs: 1_000 } });
  await cut();
  void linked.broker.close();
  await linked.advance(1_020);
  expect(told(host)).toEqual(['agent_away', '1 error draining']);
});
