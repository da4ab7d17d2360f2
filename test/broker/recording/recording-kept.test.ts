import { expect, test } from 'vitest';
import { settle, startLinked } from '../../support/linked.ts';
import { MemoryRecordStore } from '../../support/memory-record-store.ts';
import { readMetric } from '../../support/metrics.ts';
import { DONE, startKept } from '../restart/restart-scene.ts';
import { asking, inShort, startRecorded, textOf } from './recording-scene.ts';

/* What is recorded outlives the broker where it has a store. */

/** The next life of a broker that records into this store. */
async function again(store: MemoryRecordStore) {
  const linked = startLinked({ record: { store } });
  const manager = await linked.manager();
  return { linked, ask: asking(manager) };
}

test('turns have ended › when the broker is started anew › then they are there as they were', async () => {
  const store = new MemoryRecordStore();
  const { ask, open, say, end, execute, asked, host, linked } = await startRecorded({ record: { store } });
  const first = await open('a');
  await say('a', 'some ', 'words');
  await execute({ session_id: 'a' });
  host.answer(asked(), { ok: true });
  await settle();
  await end('a');
  const second = await open('b');
  await end('b', { kind: 'error', error: 'broken' });
  await linked.advance(1_000);
  const before = { turns: (await ask.turns()).turns, first: await ask.turn(first), second: await ask.turn(second) };
  const next = await again(store);
  const { turns, kept } = await next.ask.turns();
  expect(turns).toEqual(before.turns);
  expect(kept).toMatchObject({ turns: 2, on_disk: true });
  expect(await next.ask.turn(first)).toEqual(before.first);
  expect(await next.ask.turn(second)).toEqual(before.second);
  expect((await next.ask.turns({ text: 'words' })).turns).toHaveLength(1);
});

test('a turn is live › when the process is killed › then it shows as it stood a moment before, and that it has failed', async () => {
  const store = new MemoryRecordStore();
  const { open, say, linked } = await startRecorded({ record: { store } });
  const turnId = await open('a');
  await say('a', 'half a sent');
  await linked.advance(600);
  await say('a', 'ence');
  const next = await again(store);
  expect((await next.ask.turns()).turns).toMatchObject([{ turn_id: turnId, state: 'streaming' }]);
  await next.linked.advance(600);
  const log = await next.ask.turn(turnId);
  expect((await next.ask.turns({ state: ['streaming'] })).turns).toEqual([]);
  expect(log.turn).toMatchObject({
    state: 'failed',
    error: { code: 'broker_stopped' },
    ended_at: expect.any(Number),
  });
  // A word that was being said waits until it is over: it may be half a secret.
  expect(textOf(log.records)).toBe('half a ');
});

test('a turn is live › when it is taken up after the kill › then it goes on as one, with how it ended', async () => {
  const store = new MemoryRecordStore();
  const scene = await startKept({ record: { store } });
  await scene.say(scene.agent, 1, 'one ', 'two ');
  await scene.life.linked.advance(600);
  const before = await asking(await scene.life.linked.manager()).turn(scene.turnId);
  const next = await scene.again();
  const ask = asking(await next.linked.manager());
  await next.linked.advance(600);
  const agent = await next.attach();
  await agent.ok('agent.resume', { turns: [scene.named({ next: 3, kept_from: 1 })] });
  await scene.say(agent, 3, 'three', DONE);
  await next.linked.advance(600);
  const log = await ask.turn(scene.turnId);
  expect(log.turn).toMatchObject({ state: 'done', tokens: 3, prompt: 'hi' });
  expect(log.turn.error).toBeUndefined();
  expect(textOf(log.records)).toBe('one two three');
  expect(log.records.slice(0, before.records.length)).toEqual(before.records);
  expect(log.records.map(({ sequence }) => sequence)).toEqual(log.records.map((_, at) => at + 1));
  expect(inShort(log)).toContain('turn -> done');
  // And once more, from what was written.
  const last = await again(store);
  expect(await last.ask.turn(scene.turnId)).toEqual(log);
});

test('a part of what is kept is missing › then what can be read is there, and the broker starts', async () => {
  const store = new MemoryRecordStore();
  const { open, end, linked } = await startRecorded({ record: { store } });
  const ids = [await open('a'), await open('b'), await open('c')];
  for (const one of ['a', 'b', 'c']) await end(one);
  await linked.advance(600);
  const [whole, torn, headless] = ids as [string, string, string];
  const lines = store.turns.get(torn) as string[];
  store.turns.set(torn, ['{"at":1,"ty', 'null', '[]', '{"turn":{"turn_id":"else"}}', ...lines.slice(2)]);
  store.turns.set(headless, store.turns.get(headless)?.slice(0, -1) ?? []);
  const next = await again(store);
  expect((await next.ask.turns()).turns.map(({ turn_id }) => turn_id)).toEqual([torn, whole]);
  expect((await next.ask.turn(torn)).records.length).toBeGreaterThan(3);
  expect(store.turns.has(headless)).toBe(false);
});

test('the disk is full › then turns go on and are in memory, that is said, and once there is room they are written', async () => {
  const store = new MemoryRecordStore();
  store.isFull = true;
  const { ask, open, say, end, linked } = await startRecorded({ record: { store } });
  const turnId = await open('a');
  await say('a', 'words');
  await linked.advance(600);
  const { writes } = store;
  expect(writes).toBeGreaterThan(0);
  expect((await ask.turns()).kept.on_disk).toBe(false);
  expect(await readMetric(linked.broker, 'recorded_degraded')).toEqual({ '': 1 });
  // Not at every tick: it would only be full again.
  await linked.advance(2_000);
  expect(store.writes).toBe(writes);
  await end('a');
  store.isFull = false;
  for (let at = 0; at < 6; at += 1) await linked.advance(1_000);
  expect((await ask.turns()).kept.on_disk).toBe(true);
  const next = await again(store);
  expect(textOf((await next.ask.turn(turnId)).records)).toBe('words');
});

test('the disk is full in the middle of what is added › then nothing stands there twice', async () => {
  const store = new MemoryRecordStore();
  const { ask, open, say, execute, end, linked } = await startRecorded({ record: { store } });
  const turnId = await open('a');
  await linked.advance(600);
  Object.assign(store, { isFull: true, hasRoomFor: 2 });
  await say('a', 'some words ');
  await execute({ session_id: 'a' });
  await linked.advance(600);
  store.isFull = false;
  for (let at = 0; at < 6; at += 1) await linked.advance(1_000);
  await end('a');
  await linked.advance(600);
  const next = await again(store);
  expect(await next.ask.turn(turnId)).toEqual(await ask.turn(turnId));
});

test('a turn is kept no longer › then nor is what was written of it', async () => {
  const store = new MemoryRecordStore();
  const { open, end, linked } = await startRecorded({ record: { store, turns: 2 } });
  for (const one of ['a', 'b', 'c', 'd']) {
    await open(one);
    await end(one);
    await linked.advance(600);
  }
  expect(store.turns.size).toBe(2);
});

test('the broker is stopped › then what was recorded last is written', async () => {
  const store = new MemoryRecordStore();
  const { open, say, linked } = await startRecorded({ record: { store } });
  const turnId = await open('a');
  await say('a', 'the last words');
  const closed = linked.broker.close();
  for (let at = 0; at < 40; at += 1) await linked.advance(500);
  await closed;
  const next = await again(store);
  const log = await next.ask.turn(turnId);
  expect(textOf(log.records)).toBe('the last words');
  expect(log.turn).toMatchObject({ state: 'failed', error: { code: 'draining' } });
});
