import { describe, expect, test } from 'vitest';
import type { BrokerOptions, Memory } from '../../../broker.ts';
import { type Linked, type LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { provider, startMeeting } from '../../support/voice.ts';

/* What is said in a meeting goes into a memory (`wire.md` section 11), which may be slow, or fail. */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;
/** What was warned of. */
let warnings: string[];
async function begin(options: BrokerOptions = {}): Promise<void> {
  warnings = [];
  const warn = (_fields: object, message: string) => void warnings.push(message);
  linked = startLinked({ log: { debug() {}, info() {}, warn, error() {} }, ...options });
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
}
const memoryOf = (addFact: Memory['addFact']): Memory => ({
  ...{ addFact, query: () => [], delete: () => false, factCount: () => 0 },
});
const says = (stream_id: string, text: string) => ear.notify('voice.event', { stream_id, type: 'final', text });
const lost = () => readMetric(linked.broker, 'meeting_texts_lost_total');

/** A memory that takes what it was told when the test says so. */
function slowMemory() {
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  const addFact: Memory['addFact'] = (_scope, { body }) => {
    told.push(body);
    return new Promise((resolve) => waiting.push(() => resolve(told.length)));
  };
  const take = async () => {
    for (const each of waiting.splice(0)) each();
    await settle();
    await settle();
  };
  return { told, take, memory: memoryOf(addFact) };
}

describe('a meeting › when all of it is said at once', () => {
  test('then all of it is remembered, and everybody else has turns meanwhile', async () => {
    await begin();
    const stream = await startMeeting(host, ear, { id: 'm' });
    for (let n = 0; n < 2_000; n += 1) says(stream, `sentence number ${n}`);
    let turns = 0;
    for (; (await host.ok('memory.fact_count')) < 2_000 && turns < 10_000; turns += 1) await settle();
    expect(await host.ok('memory.fact_count')).toBe(2_000);
    expect(turns).toBeGreaterThan(5);
    expect(await lost()).toEqual({});
  });

  test('and the memory is slow › then it is told a few at a time, in order, after the end too', async () => {
    const { told, take, memory } = slowMemory();
    await begin({ memory });
    const stream = await startMeeting(host, ear, { id: 'm' });
    const said = Array.from({ length: 100 }, (_, n) => `text ${n}`);
    for (const text of said) says(stream, text);
    ear.notify('voice.event', { stream_id: stream, type: 'ended' });
    await settle();
    for (const count of [1, 33, 65, 97, 100]) {
      expect(told).toEqual(said.slice(0, count));
      await take();
    }
    expect(await lost()).toEqual({});
  });

  test('and each text is long › then it is told fewer of them at a time', async () => {
    const { told, take, memory } = slowMemory();
    await begin({ memory });
    const stream = await startMeeting(host, ear, { id: 'm' });
    const said = Array.from({ length: 10 }, (_, n) => `${n} ${'x'.repeat(8_000)}`);
    for (const text of said) says(stream, text);
    await settle();
    for (const count of [1, 4, 7, 10]) {
      expect(told).toEqual(said.slice(0, count));
      await take();
    }
  });

  test('and its client is gone › then the memory is told no more', async () => {
    const { told, take, memory } = slowMemory();
    await begin({ memory });
    const stream = await startMeeting(host, ear, { id: 'm' });
    for (const text of ['a', 'b', 'c']) says(stream, text);
    await settle();
    host.close();
    await settle();
    await take();
    expect(told).toEqual(['a']);
    expect(await lost()).toEqual({});
  });
});

test.each<[string, NonNullable<BrokerOptions['limits']>]>([
  ['it', { maxIngestingBytes: 300 }],
  ['all meetings', { maxAllIngestingBytes: 300 }],
])(
  'a meeting › when too much of %s waits for a slow memory › then the next texts are only kept, until there is room',
  async (_, limits) => {
    const { told, take, memory } = slowMemory();
    await begin({ limits, memory });
    const stream = await startMeeting(host, ear, { id: 'm' });
    // Each counts 128 bytes and its JSON.
    for (const text of ['a', 'b', 'c', 'd']) says(stream, text);
    await settle();
    expect(await lost()).toEqual({ '': 2 });
    await take();
    await take();
    for (const text of ['e', 'f']) says(stream, text);
    await settle();
    await take();
    expect(told).toEqual(['a', 'b', 'e', 'f']);
    expect(await lost()).toEqual({ '': 2 });
    expect(await host.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({ transcript: 'a b c d e f' });
    expect(warnings).toHaveLength(1);
  },
);

test('a meeting › when its memory fails › then each text is tried and counted, and one line says so', async () => {
  const told: string[] = [];
  const addFact: Memory['addFact'] = async (_scope, { body }) => {
    told.push(body);
    throw new Error('no');
  };
  await begin({ memory: memoryOf(addFact) });
  for (const id of ['m', 'n']) {
    const stream = await startMeeting(host, ear, { id });
    for (const text of ['a', 'b', 'c']) says(stream, id + text);
    await settle();
    await settle();
  }
  expect(told).toEqual(['ma', 'mb', 'mc', 'na', 'nb', 'nc']);
  expect(await lost()).toEqual({ '': 6 });
  expect(warnings).toHaveLength(2);
});

test('a meeting › when its memory never answers › then the next text has its turn in time', async () => {
  const { told, memory } = slowMemory();
  await begin({ memory });
  const stream = await startMeeting(host, ear, { id: 'm' });
  for (const text of ['a', 'b']) says(stream, text);
  await settle();
  expect(told).toEqual(['a']);
  await linked.advance(10_100);
  await settle();
  expect(told).toEqual(['a', 'b']);
  expect(await lost()).toEqual({ '': 1 });
});
