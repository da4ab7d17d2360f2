import { beforeAll, expect, test, vi } from 'vitest';
import { ALLOWED_GROWTH, keepPace, MemoryWatch, metric, readTurn, startEmbedded } from './slow-support.ts';
import { type OpenChat, openChat } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { WellBehavedPair } from './support/well-behaved-pair.ts';
import type { Message, WireClient } from './support/wire-client.ts';

// Much is moved, and not all machines are quick.
vi.setConfig({ testTimeout: 60_000 });

const DELTAS = 30_000;
const delta = (n: number) => `${n} ${'lorem ipsum dolor sit amet '.repeat(4)}`;
const text = Array.from({ length: DELTAS }, (_, n) => delta(n)).join('');

/** Has the agent stream all deltas, and `each` between the hundreds. */
async function stream(agent: WireClient, chat: OpenChat, each: (hundred: number) => void = () => {}): Promise<void> {
  for (let n = 0; n < DELTAS; n += 1) {
    chat.emit({ kind: 'token', delta: delta(n) });
    if (n % 100 !== 99) continue;
    each((n + 1) / 100);
    await keepPace(agent);
  }
}

test('a host that stops reading for 30,000 deltas › then another keeps its pace, memory stays, and the first gets all of it', async () => {
  const daemon = await startDaemon({ flags: ['--log-level', 'info'] });
  const agent = await daemon.agent('talker');
  const [slow, quick] = [await daemon.host(), await daemon.host()];
  // Once with everybody reading: what a process that works for the first time takes is not to be blamed on the slow one.
  const rehearsal = await openChat(slow, agent, { agent_id: 'talker' });
  const { over } = readTurn(slow, rehearsal.turnId);
  await stream(agent, rehearsal);
  rehearsal.emit({ kind: 'done', finish_reason: 'stop' });
  await over;

  const stuck = await openChat(slow, agent, { agent_id: 'talker' });
  const paced = await openChat(quick, agent, { agent_id: 'talker' });
  const slowly = readTurn(slow, stuck.turnId);
  // How long each delta was on its way, in milliseconds: it says itself when it was sent.
  const delays: number[] = [];
  const quickly = readTurn(quick, paced.turnId, ({ kind, delta: sentAt }) => {
    if (kind === 'token') delays.push(performance.now() - Number(sentAt));
  });
  const memory = new MemoryWatch(daemon);
  slow.socket.pause();
  await stream(agent, stuck, (hundred) => {
    paced.emit({ kind: 'token', delta: String(performance.now()) });
    if (hundred % 10 === 0) memory.look();
  });
  stuck.emit({ kind: 'done', finish_reason: 'stop' });
  paced.emit({ kind: 'done', finish_reason: 'stop' });
  await quickly.over;
  expect(delays).toHaveLength(DELTAS / 100);
  expect(Math.max(...delays)).toBeLessThan(1_000);
  expect(quickly.seq).toBe(DELTAS / 100 + 1);
  expect(slowly.seq).toBeLessThan(DELTAS);
  // It did have to wait: more than the soft limit, or this shows nothing.
  expect(await metric(daemon, 'queue_bytes_max')).toBeGreaterThan(1024 * 1024);
  expect(await metric(daemon, 'tokens_merged_total')).toBeGreaterThan(1_000);
  expect(memory.growth).toBeLessThan(ALLOWED_GROWTH);

  slow.socket.resume();
  await slowly.over;
  const tokens = slowly.events.slice(0, -1);
  expect(tokens.length).toBeLessThan(DELTAS);
  expect(tokens.map((event: Message) => event.delta).join('') === text).toBe(true);
  expect(slowly.events.at(-1)).toMatchObject({ kind: 'done', seq: DELTAS + 1 });
  expect(agent.cancels(stuck.turnId)).toEqual([]);
  expect(await metric(daemon, 'queue_bytes')).toBe(0);
  expect(memory.growth).toBeLessThan(ALLOWED_GROWTH);
});

let small: Daemon;
let pair: WellBehavedPair;
beforeAll(async () => {
  small = await startEmbedded({
    softLimitBytes: 64_000,
    hardLimitBytes: 256_000,
    hardLimitMs: 500,
    cutBytes: 4_000_000,
  });
  pair = await WellBehavedPair.start(small);
});

/** Streams until the agent is told to stop. */
async function streamUntilCancelled(agent: WireClient, chat: OpenChat, piece: string): Promise<void> {
  for (let n = 0; agent.cancels(chat.turnId).length === 0; n += 1) {
    // Far beyond the limits and whatever two kernels keep: this fails rather than run for ever.
    if (n * piece.length > 200_000_000) expect.unreachable('it was never cut off');
    chat.emit({ kind: 'token', delta: piece });
    await keepPace(agent);
  }
}

test.each([
  // A steady stream, which the limit's time ends; and one that is over the cut before that.
  ['over the hard limit', 'x'.repeat(2_000)],
  ['over the cut', 'x'.repeat(500_000)],
])(
  'a host that never reads › %s › then it is cut off with 4413, its agent is told why, and others chat on',
  async (_name, piece) => {
    const agent = await small.agent('talker');
    const [stuck, other] = [await small.host(), await small.host()];
    const mine = await openChat(stuck, agent, { agent_id: 'talker' });
    const theirs = await openChat(other, agent, { agent_id: 'talker' });
    stuck.socket.pause();
    await streamUntilCancelled(agent, mine, piece);
    expect(agent.cancels(mine.turnId)).toEqual(['slow_consumer']);
    // Reading again at once it finds the close frame behind what the sockets held, and nothing of the rest.
    stuck.socket.resume();
    expect(await stuck.closed).toMatchObject({ code: 4413 });
    expect(stuck.events(mine.turnId).every(({ kind }) => kind === 'token')).toBe(true);

    // What was merged stays counted when its connection is gone.
    expect(await metric(small, 'tokens_merged_total')).toBeGreaterThan(0);
    theirs.emit({ kind: 'token', delta: 'still here' });
    theirs.emit({ kind: 'done', finish_reason: 'stop' });
    await other.terminal(theirs.turnId);
    expect(other.events(theirs.turnId).map(({ kind, seq }) => [kind, seq])).toEqual([
      ['token', 1],
      ['done', 2],
    ]);
    expect(agent.cancels(theirs.turnId)).toEqual([]);
    await pair.chats(2);
  },
);

test('a host that never reads, and does not answer the close either › then its socket is cut', async () => {
  const agent = await small.agent('talker');
  const stuck = await small.host();
  const connections = () => metric(small, 'connections{role="client"}');
  const before = await connections();
  const mine = await openChat(stuck, agent, { agent_id: 'talker' });
  stuck.socket.pause();
  await streamUntilCancelled(agent, mine, 'x'.repeat(500_000));
  await vi.waitFor(async () => expect(await connections()).toBe(before - 1));
  await vi.waitFor(async () => expect(await metric(small, 'queue_bytes')).toBeLessThan(64_000));
  await pair.chats(2);
});

test('a host that is slow, but reads › then it is not cut off, however long it takes', async () => {
  const agent = await small.agent('talker');
  const slow = await small.host();
  const chat = await openChat(slow, agent, { agent_id: 'talker' });
  const reader = readTurn(slow, chat.turnId);
  let sent = 0;
  // For several times as long as one may be over the hard limit, again and again over it, but never that long.
  for (let round = 0; round < 8; round += 1) {
    slow.socket.pause();
    while ((await metric(small, 'queue_bytes_max')) < 300_000) {
      for (let n = 0; n < 50; n += 1) {
        chat.emit({ kind: 'token', delta: 'x'.repeat(2_000) });
        sent += 1;
      }
      await keepPace(agent);
    }
    slow.socket.resume();
    while (reader.seq < sent) await keepPace(agent);
  }
  chat.emit({ kind: 'done', finish_reason: 'stop' });
  await reader.over;
  expect(agent.cancels(chat.turnId)).toEqual([]);
});
