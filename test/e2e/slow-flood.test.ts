import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { ALLOWED_GROWTH, MemoryWatch, metric, readTurn, startEmbedded } from './slow-support.ts';
import { openChat } from './support/chat.ts';
import { startDaemon } from './support/daemon.ts';
import { WellBehavedPair } from './support/well-behaved-pair.ts';

// Much is moved, and not all machines are quick.
vi.setConfig({ testTimeout: 60_000 });

test('an agent that floods › then it is slowed down, not buffered: it waits, memory stays, and others chat on', async () => {
  const daemon = await startDaemon({ flags: ['--log-level', 'info'] });
  const pair = await WellBehavedPair.start(daemon);
  const agent = await daemon.agent('flood');
  const piece = 'x'.repeat(400);
  const flood = async (deltas: number) => {
    const host = await daemon.host();
    const chat = await openChat(host, agent, { agent_id: 'flood' });
    let characters = 0;
    const reader = readTurn(host, chat.turnId, ({ delta }) => {
      characters += delta?.length ?? 0;
      reader.events.length = 0;
    });
    const params = { session_id: chat.sessionId, kind: 'token', delta: piece };
    const text = JSON.stringify({ jsonrpc: '2.0', method: 'agent.chat.event', params });
    for (let n = 0; n < deltas; n += 1) agent.socket.send(text);
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    return { reader, characters: () => characters };
  };
  // A rehearsal: a process that works for the first time takes what it needs for its work.
  await (await flood(50_000)).reader.over;

  const count = 150_000;
  const memory = new MemoryWatch(daemon);
  const { reader, characters } = await flood(count);
  let isOver = false;
  const done = reader.over.finally(() => {
    isOver = true;
  });
  let backedUp = 0;
  while (!isOver) {
    backedUp = Math.max(backedUp, agent.socket.bufferedAmount);
    memory.look();
    await Promise.race([done, delay(20)]);
  }
  await done;
  expect([reader.seq, characters()]).toEqual([count + 1, count * piece.length]);
  // Most of 90 MB had to wait where it came from.
  expect(backedUp).toBeGreaterThan(ALLOWED_GROWTH / 2);
  expect(memory.growth).toBeLessThan(ALLOWED_GROWTH);
  await pair.chats(2);
});

const RATE = { requestsPerSecond: 500, requestBurst: 1_000 };

test('a client that asks too fast › then -32020 says when to come again, and going on regardless ends in 4429', async () => {
  const broker = await startEmbedded(RATE);
  const pair = await WellBehavedPair.start(broker);
  const busy = await broker.host();
  const ids = Array.from({ length: 1_600 }, () => busy.post('server.handshake', { protocol_version: 3 }));
  const answers = await Promise.all(ids.map((id) => busy.replyTo(id)));
  const refused = answers.filter(({ error }) => error);
  // Some second's worth comes back while they are on their way.
  expect(refused.length).toBeGreaterThan(100);
  expect(refused.length).toBeLessThanOrEqual(601);
  for (const { error } of refused) {
    expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'requests_per_second', value: 500 } } });
    expect(error.data.retry_after_ms).toBeGreaterThan(0);
  }
  const wait: number = refused.at(-1).error.data.retry_after_ms;
  expect(wait).toBeLessThanOrEqual(1_210);
  await delay(wait);
  expect(await busy.ok('agents.list', {})).toHaveLength(1);

  for (let n = 0; n < 20_000; n += 1) busy.post('agents.list', {});
  expect(await busy.closed).toEqual({ code: 4429, reason: 'rate limit' });
  // Nobody else has noticed.
  await pair.chats(3);
  expect(await (await broker.host()).ok('agents.list', {})).toHaveLength(1);
});

test('a client that asks and never reads the answers › then it is cut off, and memory stays', async () => {
  const broker = await startEmbedded({ softLimitBytes: 64_000, hardLimitBytes: 256_000, hardLimitMs: 500 });
  const pair = await WellBehavedPair.start(broker);
  const askDeafly = async (watch?: MemoryWatch) => {
    const deaf = await broker.host();
    await deaf.ok('tools.register', [{ name: 'long', description: 'x'.repeat(20_000) }]);
    const before = await metric(broker, 'connections{role="client"}');
    deaf.socket.pause();
    // Answers of 100 MB: nowhere near all of them may wait.
    for (let n = 0; n < 5_000; n += 1) deaf.post('tools.list', {});
    while ((await metric(broker, 'connections{role="client"}')) === before) {
      watch?.look();
      await delay(20);
    }
    deaf.socket.resume();
    return (await deaf.closed).code;
  };
  // A rehearsal, as above.
  await askDeafly();
  const memory = new MemoryWatch(broker);
  // It has not answered the close frame in time, and so may have lost it.
  expect([4413, 1006]).toContain(await askDeafly(memory));
  expect(memory.growth).toBeLessThan(ALLOWED_GROWTH);
  await pair.chats(2);
});
