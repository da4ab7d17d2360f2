import { expect, test } from 'vitest';
import { numbered, reunited } from '../../console/runs/reunite.ts';
import type { RecordedTurnLog } from '../../protocol/recording.ts';
import { asking, startRecorded, textOf } from '../broker/recording/recording-scene.ts';
import { DONE, startKept } from '../broker/restart/restart-scene.ts';
import { MemoryRecordStore } from '../support/memory-record-store.ts';

/* A live turn is open in a page, and its connection is lost: what the page shows once there is one again. */

const typesOf = ({ records }: RecordedTurnLog) => records.map(({ sequence, type }) => `${sequence} ${type}`);
const inOrder = ({ records }: RecordedTurnLog) => {
  const first = records[0]?.sequence ?? 1;
  expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, at) => first + at));
};

/** A turn that a page has open; its broker is killed, and its agent takes it up. */
async function takenUp(store?: MemoryRecordStore) {
  const scene = await startKept({ record: store ? { store } : true });
  await scene.say(scene.agent, 1, 'one ', 'two ');
  await scene.life.linked.advance(600);
  // The last moment is not written.
  await scene.say(scene.agent, 3, 'three ', { kind: 'inference_started' });
  const open = await asking(await scene.life.linked.manager()).turn(scene.turnId);
  const next = await scene.again();
  const ask = asking(await next.linked.manager());
  await next.linked.advance(600);
  const agent = await next.attach();
  await agent.ok('agent.resume', { turns: [scene.named({ next: 5, kept_from: 1 })] });
  await scene.say(agent, 5, 'four ');
  const told = await ask.turn(scene.turnId);
  return { open, told, ask: () => ask.turn(scene.turnId), more: () => scene.say(agent, 6, 'five ', DONE) };
}

test('the daemon was killed, and keeps turns on disk › then the page has what the daemon has, and nothing twice', async () => {
  const { open, told } = await takenUp(new MemoryRecordStore());
  expect(textOf(open.records)).toBe('one two three ');
  const { log, offset } = reunited({ log: open, offset: 0 }, told);
  expect(offset).toBe(0);
  expect(log.records).toEqual(told.records);
  expect(log.next).toBe(told.next);
});

test('the daemon was killed, and keeps turns in memory › then what the page had stays, and what goes on follows it', async () => {
  const { open, told, ask, more } = await takenUp();
  const { log, offset } = reunited({ log: open, offset: 0 }, told);
  expect(log.records.slice(0, open.records.length)).toEqual(open.records);
  expect(textOf(log.records)).toBe(`one two three ${textOf(told.records)}`);
  expect(log.turn).toMatchObject({ started_at: open.turn.started_at, prompt: 'hi' });
  inOrder(log);
  const told2 = log.records.slice(open.records.length).filter(({ type }) => type === 'started');
  expect(told2.length).toBeGreaterThanOrEqual(told.actors.length);
  // And once more: the connection alone was lost.
  await more();
  const again = reunited({ log, offset }, await ask());
  expect(again.offset).toBe(offset);
  expect(again.log.records.slice(0, log.records.length)).toEqual(log.records);
  expect(textOf(again.log.records)).toMatch(/five $/);
  inOrder(again.log);
});

test('the connection alone was lost › then what came meanwhile follows', async () => {
  const { ask, open, say, execute } = await startRecorded();
  const turnId = await open('s');
  await say('s', 'one ');
  const before = await ask.turn(turnId);
  await execute({ session_id: 's' });
  const told = await ask.turn(turnId);
  const { log } = reunited({ log: before, offset: 0 }, told);
  expect(log).toEqual(told);
  expect(reunited({ log, offset: 0 }, { ...told, records: [] }).log.records).toEqual(told.records);
});

test('the daemon has let go of the older half meanwhile › then the page still has it, and what follows once', async () => {
  const { ask, open, say } = await startRecorded({ record: { bytes: 256 * 1024 } });
  const ids = [await open('a'), await open('b'), await open('c'), await open('d')];
  const turnId = ids[0] as string;
  await say('a', 'the beginning ');
  const before = await ask.turn(turnId);
  for (let at = 0; at < 25; at += 1)
    for (const one of ['a', 'b', 'c', 'd']) await say(one, `${at} ${'x '.repeat(2_000)}`);
  const told = await ask.turn(turnId);
  expect(told.records[0]?.type).toBe('dropped');
  const { log } = reunited({ log: before, offset: 0 }, told);
  expect(log.records.slice(0, before.records.length)).toEqual(before.records);
  expect(typesOf(log).slice(before.records.length)).toEqual(typesOf(told));
  expect(log.records[before.records.length]).toMatchObject({ count: (told.records[0]?.sequence ?? 0) - before.next });
  expect(reunited({ log, offset: 0 }, told).log.records).toEqual(log.records);
  expect(numbered(told.records, 5)[0]?.sequence).toBe((told.records[0]?.sequence ?? 0) + 5);
});
