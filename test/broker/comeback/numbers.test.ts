import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { acked, DONE, startComeback, told } from './comeback-scene.ts';

/* The numbers of an agent's events: what is taken, what is asked for again, and what is told of it. */

const rewinds = (client: { received(method: string): { params: unknown }[] }) =>
  client.received('agent.chat.rewind').map(({ params }) => params);

test('aseq › when an event is missing › then all after the last one are asked for, once, and taken when they come', async () => {
  const { linked, host, agent, turnId, say } = await startComeback();
  await say(agent, 1, 'a');
  await say(agent, 3, 'c', 'd', 'e');
  expect(rewinds(agent)).toEqual([{ turn_id: turnId, after: 1 }]);
  expect(told(host)).toEqual(['1 a']);
  await say(agent, 2, 'b', 'c', 'd', 'e', DONE);
  expect(told(host)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e', '6 done stop']);
  expect(rewinds(agent)).toHaveLength(1);
  expect(await readDrops(linked.broker)).toEqual({ out_of_order: 3 });
});

test('aseq › when two events are missing, one after the other › then each is asked for', async () => {
  const { host, agent, turnId, say } = await startComeback();
  await say(agent, 2, 'b');
  await say(agent, 1, 'a', 'b');
  await say(agent, 4, 'd');
  expect(rewinds(agent)).toEqual([
    { turn_id: turnId, after: 0 },
    { turn_id: turnId, after: 2 },
  ]);
  await say(agent, 3, 'c', 'd');
  expect(told(host)).toEqual(['1 a', '2 b', '3 c', '4 d']);
});

test('aseq › when what is missing does not come however often it is asked for › then the turn ends as event_refused', async () => {
  const { host, agent, say, status } = await startComeback();
  await say(agent, 1, 'a');
  // The second one cannot be read: too much is in it.
  const unreadable = { kind: 'mood', aseq: 2, parts: Array.from({ length: 100_001 }, () => 1) };
  agent.emit('s', unreadable);
  await say(agent, 3, 'c');
  agent.emit('s', unreadable);
  await say(agent, 3, 'c');
  expect(told(host)).toEqual(['1 a', '2 error event_refused']);
  expect(agent.received('agent.chat.cancel')).toHaveLength(1);
  expect(await status()).toBeUndefined();
});

test('aseq › when the event after a missing one is malformed › then what is missing is asked for all the same', async () => {
  const { host, agent, turnId, say } = await startComeback();
  const malformed = { kind: 'tool_result', tool: 't' };
  await say(agent, 2, malformed);
  expect(rewinds(agent)).toEqual([{ turn_id: turnId, after: 0 }]);
  await say(agent, 3, 'c');
  await say(agent, 1, 'a', malformed, 'c', DONE);
  expect(told(host)).toEqual(['1 a', '2 c', '3 done stop']);
});

test('aseq › when a malformed event comes again › then that is acknowledged, as of any other', async () => {
  const { linked, agent, say } = await startComeback();
  const malformed = { kind: 'tool_result', tool: 't' };
  await say(agent, 1, malformed);
  await linked.advance(60);
  await say(agent, 1, malformed);
  await linked.advance(60);
  expect(acked(agent)).toEqual([
    [1, 1],
    [1, 1],
  ]);
});

test('aseq › of an event too large to be passed on › then the turn ends as event_refused', async () => {
  const { host, agent, say } = await startComeback({ limits: { maxMessageBytes: 100_000 } });
  await say(agent, 1, 'a', { kind: 'mood', text: 'x'.repeat(99_800) });
  expect(told(host)).toEqual(['1 a', '2 error event_refused']);
});

test('aseq › of a malformed event › then it is taken, and the next one is not missed', async () => {
  const { linked, host, agent, say } = await startComeback();
  await say(agent, 1, 'a', { kind: 'tool_result', tool: 't' }, 'c');
  expect(rewinds(agent)).toEqual([]);
  expect(told(host)).toEqual(['1 a', '2 c']);
  await linked.advance(60);
  expect(acked(agent)).toEqual([[3, 3]]);
});

test('aseq › of a forged event › then it is taken, too', async () => {
  const { host, agent, say } = await startComeback();
  await say(agent, 1, { kind: 'agent_away', window_ms: 1 }, { kind: 'gate_pending', approval_id: 'x' }, 'c');
  expect(rewinds(agent)).toEqual([]);
  expect(told(host)).toEqual(['1 c']);
});

test.each([undefined, null, 'one', 1.5])(
  'aseq › when it is %j › then the event is malformed, but an end is one all the same',
  async (aseq) => {
    const { linked, host, agent, say } = await startComeback();
    agent.emit('s', { kind: 'token', delta: 'a', aseq });
    await say(agent, 1, 'b');
    agent.emit('s', { ...DONE, aseq });
    await settle();
    expect(told(host)).toEqual(['1 b', '2 done stop']);
    expect(await readDrops(linked.broker)).toEqual({ malformed_event: 1 });
  },
);

test('aseq › in any event › then it goes no further, whoever has sent it', async () => {
  const { linked, host, agent, say } = await startComeback();
  await say(agent, 1, 'a', { kind: 'mood', x: 1 });
  const plain = await linked.agent('plain');
  host.post('agents.chat', { agent_id: 'plain', prompt: 'hi', session_id: 'p' });
  await settle();
  plain.answer(plain.lastChat(), { accepted: true });
  plain.emit('p', { kind: 'token', delta: 'a', aseq: 7 });
  plain.emit('p', { kind: 'mood', aseq: 9 });
  await settle();
  expect(host.events()).toHaveLength(4);
  for (const event of host.events()) expect(event).not.toHaveProperty('aseq');
});

test('acks › when events arrive › then they come together, every 50 ms at most', async () => {
  const { linked, agent, turnId, say } = await startComeback();
  await say(agent, 1, 'a', 'b', 'c');
  expect(acked(agent)).toEqual([]);
  await linked.advance(70);
  expect(agent.received('agent.chat.ack').map(({ params }) => params.acks)).toEqual([[[turnId, 3, 3]]]);
  await linked.advance(500);
  expect(acked(agent)).toHaveLength(1);
});

test('acks › when 64 KiB of events have come › then it is told at once', async () => {
  const { agent, say } = await startComeback();
  await say(agent, 1, 'x'.repeat(40_000));
  expect(acked(agent)).toEqual([]);
  await say(agent, 2, 'x'.repeat(40_000));
  expect(acked(agent)).toEqual([[2, 2]]);
});

test('acks › of what overtakes the agent’s own ack › then it has arrived, and comes after that', async () => {
  const { linked, host, agent } = await startComeback();
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 't' });
  await settle();
  const { turn_id } = agent.lastChat().params;
  agent.emit('t', { kind: 'token', delta: 'a', turn_id, aseq: 1 });
  await linked.advance(70);
  expect(acked(agent)).toEqual([[1, 1]]);
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.replyTo(id).result.accepted).toBe(true);
  expect(told(host)).toEqual([]);
  expect(host.events('t')).toEqual([expect.objectContaining({ delta: 'a', seq: 1 })]);
});

test('acks › of a turn that is over › then what still comes need not be kept', async () => {
  const { linked, host, agent, turnId, say } = await startComeback();
  await say(agent, 1, 'a');
  await host.ok('agents.chat.cancel', { session_id: 's' });
  await say(agent, 2, 'b', 'c', DONE);
  await linked.advance(70);
  expect(agent.received('agent.chat.ack').at(-1).params.acks).toContainEqual([turnId, 4, 4]);
  expect(told(host)).toEqual(['1 a', '2 done cancelled']);
});

test('acks › of more turns that are over than are remembered › then they come at once', async () => {
  const { agent } = await startComeback();
  for (let n = 0; n < 1_000; n += 1) agent.emit('s', { kind: 'token', delta: 'a', turn_id: `t${n}`, aseq: 1 });
  await settle();
  expect(acked(agent)).toHaveLength(1_000);
});
