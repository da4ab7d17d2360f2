import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { acked } from '../comeback/comeback-scene.ts';
import { DONE, openKept, recovered, startKept, startLife, told } from './restart-scene.ts';

/* What is acknowledged when, by level, and what becomes of it where nothing can be kept (docs/reliability.md). */

const PARAMS = { agent_id: 'echo', prompt: 'hi', session_id: 't', resume_window_ms: 60_000 };

test('an ack › at level process › then what it names is written', async () => {
  const { life, disk, agent, say, turnId } = await startKept({ isAuto: false });
  await say(agent, 1, 'a', 'b');
  expect(JSON.stringify(disk.blocks)).not.toContain('"delta":"b"');
  await life.linked.advance(60);
  expect(acked(agent)).toEqual([[2, 2]]);
  expect(JSON.stringify(disk.blocks)).toContain('"delta":"b"');
  expect(agent.received('agent.chat.ack')[0].params.acks[0][0]).toBe(turnId);
});

test('an ack › after 64 KiB at once › then what it names is written, too', async () => {
  const { disk, agent, say } = await startKept({ isAuto: false });
  const long = 'x'.repeat(70_000);
  await say(agent, 1, long);
  expect(acked(agent)).toEqual([[1, 1]]);
  expect(JSON.stringify(disk.blocks)).toContain(long);
});

test('at level disk › then neither the host’s answer nor an ack comes before it is synced', async () => {
  const { life, agent, host, disk } = await startKept({ level: 'disk' });
  const hold = () => {
    life.journal.sync = () => {};
  };
  const { sync } = life.journal;
  hold();
  const id = host.post('agents.chat', PARAMS);
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  const { turn_id } = agent.lastChat().params;
  agent.emit('t', { kind: 'token', delta: 'a', turn_id, aseq: 1 });
  await settle();
  await life.linked.advance(100);
  expect(host.replyTo(id)).toBeUndefined();
  expect(host.events('t')).toEqual([]);
  life.journal.sync = sync;
  life.journal.sync();
  await settle();
  expect(host.replyTo(id).result).toMatchObject({ accepted: true });
  expect(host.events('t')).toMatchObject([{ delta: 'a', seq: 1 }]);
  hold();
  agent.emit('t', { kind: 'token', delta: 'b', turn_id, aseq: 2 });
  await settle();
  await life.linked.advance(100);
  // Events need not wait: their agent makes them again.
  expect(host.events('t')).toMatchObject([{ delta: 'a' }, { delta: 'b' }]);
  expect(acked(agent)).toEqual([]);
  life.journal.sync = sync;
  life.journal.sync();
  await settle();
  await life.linked.advance(60);
  expect(acked(agent).at(-1)).toEqual([2, 2]);
  expect(disk.synced).toBe(disk.blocks.length);
});

test('at level disk › when the broker ends a turn itself › then its terminal is synced before anybody hears of it', async () => {
  const { life, host, agent, say, claim } = await startKept({ level: 'disk', limits: { agentWindowMs: 1_000 } });
  await say(agent, 1, 'a');
  const { sync } = life.journal;
  life.journal.sync = () => {};
  agent.cut();
  await life.linked.advance(1_040);
  await settle();
  expect(told(host)).toEqual(['1 a', 'agent_away']);
  // Whoever asks for it meanwhile waits, too.
  const other = await life.linked.host();
  const asked = other.post('agents.chat.subscribe', claim());
  await settle();
  expect(other.replyTo(asked)).toBeUndefined();
  life.journal.sync = sync;
  life.journal.sync();
  await settle();
  expect(told(host)).toEqual(['1 a', 'agent_away', '2 error agent_disconnected']);
  expect(other.replyTo(asked).result).toMatchObject({ status: 'failed', head: 2 });
});

test('at level disk › when the agent comes back before its end is synced › then it keeps its part until that is', async () => {
  const { life, agent, say, named } = await startKept({ level: 'disk' });
  const { sync } = life.journal;
  life.journal.sync = () => {};
  await say(agent, 1, 'a', DONE);
  agent.cut();
  const next = await life.attach();
  const { turns } = await next.ok('agent.resume', { turns: [named({ next: 3 })] });
  expect(turns).toMatchObject([{ status: 'resumed', after: 2, released: 0 }]);
  await life.linked.advance(100);
  expect(acked(next)).toEqual([]);
  life.journal.sync = sync;
  life.journal.sync();
  await settle();
  await life.linked.advance(60);
  expect(acked(next)).toEqual([[2, 2]]);
});

test('at level disk › when the power is lost › then what was acknowledged is there', async () => {
  const { life, disk, agent, say, named, claim } = await startKept({ level: 'disk' });
  await say(agent, 1, 'a');
  await life.linked.advance(60);
  expect(acked(agent)).toEqual([[1, 1]]);
  life.journal.sync = () => {};
  await say(agent, 2, 'b');
  await life.linked.advance(60);
  expect(acked(agent)).toEqual([[1, 1]]);
  life.kill();
  disk.losePower();
  const next = startLife(disk, { level: 'disk' });
  await recovered();
  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [named({ kept_from: 2 })] });
  expect(turns).toMatchObject([{ status: 'resumed', after: 1, released: 1 }]);
  const host = await next.linked.host();
  await host.ok('agents.chat.subscribe', claim({ after: 2 }));
  await say(agentBack, 2, 'b', DONE);
  expect(told(host)).toEqual(['3 done stop']);
});

test('a full disk › then streams go on, nothing is acknowledged, new turns with a window are refused, and managers hear of it', async () => {
  const { life, disk, host, agent, say, again, named, claim } = await startKept();
  const manager = await life.linked.manager();
  await manager.ok('server.handshake', { protocol_version: 3 });
  await manager.ok('host.subscribe');
  await say(agent, 1, 'a');
  await life.linked.advance(60);
  disk.isFull = true;
  await say(agent, 2, 'b', 'c');
  await life.linked.advance(100);
  expect(told(host)).toEqual(['1 a', '2 b', '3 c']);
  expect(acked(agent)).toEqual([[1, 1]]);
  expect(manager.received('host.event').map(({ params }) => params.kind)).toContain('journal.degraded');
  const refused = await host.call('agents.chat', PARAMS);
  expect(refused.error).toMatchObject({ code: -32020, data: { limit: { name: 'journal_bytes' } } });
  expect(await readMetric(life.broker, 'journal_degraded')).toEqual({ '': 1 });
  // Without a window nothing is to be kept.
  const { turn_id } = await openKept(host, agent, { agent_id: 'echo', session_id: 'w' });
  agent.emit('w', { kind: 'token', delta: 'w', turn_id, aseq: 1 });
  await settle();
  await life.linked.advance(60);
  expect(acked(agent)).toEqual([
    [1, 1],
    [1, 1],
  ]);
  // An agent that comes back keeps what is not safe.
  agent.cut();
  await settle();
  const back = await life.attach();
  const { turns } = await back.ok('agent.resume', { turns: [named({ kept_from: 2 }), { turn_id, session_id: 'w' }] });
  expect(turns[0]).toMatchObject({ status: 'resumed', after: 3, released: 1 });
  life.journal.recover();
  await settle();
  await life.linked.advance(60);
  expect(acked(back)).toContainEqual([3, 3]);
  expect(manager.received('host.event').map(({ params }) => params.kind)).toContain('journal.ok');
  const next = await again();
  const late = await next.linked.host();
  await late.ok('agents.chat.subscribe', claim());
  expect(told(late)).toEqual(['1 a', '2 b', '3 c', 'agent_away']);
});

test('a full disk › when it fills while a chat is being accepted › then that is refused, and the agent hears so', async () => {
  const { life, disk, host, agent } = await startKept({ limits: { ackTimeoutMs: 1_000 } });
  const id = host.post('agents.chat', PARAMS);
  await settle();
  disk.isFull = true;
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(id)).toBeUndefined();
  await life.linked.advance(1_040);
  expect(host.replyTo(id).error).toMatchObject({ code: -32020, data: { limit: { name: 'journal_bytes' } } });
  expect(agent.received('agent.chat.cancel').at(-1).params).toMatchObject({ session_id: 't', reason: 'ack_timeout' });
  const { sessions } = await (await life.linked.manager()).ok('agents.chat.sessions');
  expect(sessions.map(({ session_id }: { session_id: string }) => session_id)).toEqual(['s']);
});

test('a full disk › at level disk › then a terminal of the broker’s own waits for nothing', async () => {
  const { life, disk, host, agent, say } = await startKept({ level: 'disk', limits: { agentWindowMs: 1_000 } });
  await say(agent, 1, 'a');
  agent.cut();
  await settle();
  life.journal.sync = () => {};
  await life.linked.advance(1_040);
  await settle();
  expect(told(host)).toEqual(['1 a', 'agent_away']);
  // It fills while that waits.
  disk.isFull = true;
  const other = await life.attach('other');
  await openKept(host, other, { agent_id: 'other', session_id: 'w' }).catch(() => {});
  life.journal.note(1, 'claim', 'x');
  await settle();
  await settle();
  expect(told(host)).toEqual(['1 a', 'agent_away', '2 error agent_disconnected']);
});

test('an event that takes a number and is none of the turn’s › when the broker is killed after it › then nobody is asked for it again', async () => {
  const { agent, say, again, named } = await startKept();
  await say(agent, 1, 'a', { kind: 'token', delta: 7 }, { kind: 'gate_pending', approval_id: 'x' });
  const next = await again();
  const back = await next.attach();
  const { turns } = await back.ok('agent.resume', { turns: [named({ kept_from: 4 })] });
  expect(turns).toMatchObject([{ status: 'resumed', after: 3 }]);
});

test('at level disk › when the broker stops › then a terminal of its own is told before it closes', async () => {
  const { life, host, agent, say } = await startKept({ level: 'disk', limits: { drainTimeoutMs: 1_000 } });
  await say(agent, 1, 'a');
  const { sync } = life.journal;
  life.journal.sync = () => {};
  void life.broker.close();
  await life.linked.advance(1_020);
  await settle();
  expect([told(host), host.closed]).toEqual([['1 a'], undefined]);
  life.journal.sync = sync;
  life.journal.sync();
  await recovered();
  expect([told(host), host.closed]).toEqual([['1 a', '2 error draining'], 1001]);
});

test('a full disk › when its agent goes on with turns that are over › then no more than a thousand of them are remembered', async () => {
  const { disk, life, agent, say } = await startKept();
  await say(agent, 1, 'a');
  await life.linked.advance(60);
  disk.isFull = true;
  await say(agent, 2, 'b');
  await life.linked.advance(100);
  const first = agent.received('agent.chat.ack').length;
  for (let n = 0; n < 3_000; n += 1) {
    agent.emit('gone', { kind: 'token', delta: 'x', turn_id: `over-${n}`, aseq: 1 });
    if (n % 100 === 0) await life.linked.advance(60);
  }
  await life.linked.advance(60);
  expect(agent.received('agent.chat.ack')).toHaveLength(first);
  disk.isFull = false;
  life.journal.recover();
  await settle();
  await life.linked.advance(60);
  const acks = agent.received('agent.chat.ack').slice(first);
  const over = acks.flatMap(({ params }) => params.acks).filter(([id]) => id.startsWith('over-'));
  expect(over.length).toBeLessThanOrEqual(2_000);
  expect(over.at(-1)).toEqual(['over-2999', 1, 1]);
});
