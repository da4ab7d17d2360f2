import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Summary } from '../../../actors/recording/summary.ts';
import { Tape } from '../../../actors/recording/tape.ts';
import { TextBlocks } from '../../../actors/recording/text-blocks.ts';
import { TextRun } from '../../../actors/recording/text-run.ts';
import { settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { inShort, startRecorded, textOf } from './recording-scene.ts';

/* What recording may take, and what it costs. */

const ROW = {
  ...{
    turn_id: 'turn-1',
    session_id: 's',
    agent_id: 'echo',
    host: 'client-1',
    prompt: '',
    state: 'streaming' as const,
  },
  ...{ started_at: 0, tokens: 0, tools: 0, tools_failed: 0, tool_names: [], approvals: 0, waited_ms: 0 },
};

test('more turns than may be kept › then those that ended first go, and it is said how many', async () => {
  const { ask, open, end, linked, manager } = await startRecorded({ record: { turns: 2 } });
  const live = await open('live');
  const ended: string[] = [];
  for (const one of ['a', 'b', 'c']) {
    ended.push(await open(one));
    await end(one);
  }
  const { turns, kept } = await ask.turns();
  expect(turns.map(({ turn_id }) => turn_id)).toEqual([ended[2], live]);
  expect(kept).toMatchObject({ turns: 2, dropped: 2 });
  expect((await manager.call('inspect.turn', { turn_id: ended[0] })).error.code).toBe(-32014);
  expect(await readMetric(linked.broker, 'recorded_turns')).toEqual({ '': 2 });
  expect(await readMetric(linked.broker, 'recorded_dropped_turns_total')).toEqual({ '': 2 });
});

test('one has ended as long ago as turns are kept › then it is gone', async () => {
  const { ask, open, end, linked } = await startRecorded({ record: { keepMs: 60_000 } });
  await open('a');
  await end('a');
  const live = await open('b');
  await linked.advance(120_000);
  expect((await ask.turns()).turns.map(({ turn_id }) => turn_id)).toEqual([live]);
});

test('one turn says more than its share › then the rest is counted, and how it ended is there', async () => {
  const { ask, open, say, end, linked } = await startRecorded({ record: { bytes: 1024 * 1024 } });
  const turnId = await open('s');
  for (let at = 0; at < 60; at += 1) await say('s', `${at} ${'x '.repeat(2_000)}`);
  await end('s', { kind: 'error', error: 'enough', code: 'c' });
  const log = await ask.turn(turnId);
  const short = inShort(log);
  expect(short.some((one) => one.startsWith('dropped '))).toBe(true);
  expect(short).toContain('turn -> failed');
  expect(log.turn).toMatchObject({ tokens: 60, state: 'failed', error: { message: 'enough' } });
  expect((await ask.turns()).kept.bytes).toBeLessThan(200 * 1024);
  expect((await readMetric(linked.broker, 'recorded_dropped_records_total'))['']).toBeGreaterThan(0);
});

test('live turns alone are too much › then of each the older half goes, which it says, and it goes on', async () => {
  const { ask, open, say, end } = await startRecorded({ record: { bytes: 256 * 1024 } });
  const ids = [await open('a'), await open('b'), await open('c'), await open('d')];
  for (let at = 0; at < 25; at += 1) {
    for (const one of ['a', 'b', 'c', 'd']) await say(one, `${at} ${'x '.repeat(2_000)}`);
    expect((await ask.turns()).kept.bytes).toBeLessThanOrEqual(256 * 1024 * (1 + 1 / 16));
  }
  for (const [at, one] of ['a', 'b', 'c', 'd'].entries()) {
    await say(one, 'the end');
    await end(one);
    const log = await ask.turn(ids[at] as string);
    expect(inShort(log)[0]).toMatch(/^dropped /);
    expect(inShort(log)).toContain('turn -> done');
    expect(textOf(log.records).endsWith('the end'), textOf(log.records).slice(-20)).toBe(true);
    expect(log.records[0]?.sequence).toBeGreaterThan(1);
    expect(log.turn.tokens).toBe(26);
  }
});

test('so many are live that next to nothing of each is too much › then not all of them are looked through for each that begins', async () => {
  const { open } = await startRecorded({ record: { bytes: 256 * 1024 } });
  for (let at = 0; at < 150; at += 1) await open(`s${at}`);
  const squeezed = vi.spyOn(Tape.prototype, 'squeeze');
  for (let at = 150; at < 200; at += 1) await open(`s${at}`);
  const looks = squeezed.mock.calls.length;
  squeezed.mockRestore();
  // Each time all of them would be 50 × 150.
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan((50 * 150) / 3);
});

test('a turn has tool calls without end › then what is known of them by name has one', async () => {
  const tape = new Tape(
    Summary.from(ROW, 0),
    { blocks: new TextBlocks(), changed: () => {}, lost: () => {} },
    1024 * 1024,
  );
  for (let at = 0; at < 5_000; at += 1) {
    expect(tape.hasMet(`x:${at}`)).toBe(false);
    expect(tape.hasMet('x:0')).toBe(true);
  }
  expect(tape.hasMet('x:4999')).toBe(true);
  expect(tape.hasMet('x:1')).toBe(false);
});

test('a token is longer than a run › then its beginning is there, and how much is not', async () => {
  const { ask, open, say, end } = await startRecorded();
  const turnId = await open('s');
  await say('s', 'y'.repeat(100_000), ' and more');
  await end('s');
  const { records } = await ask.turn(turnId);
  const texts = records.flatMap((record) => (record.type === 'text' ? [record] : []));
  expect(texts.map(({ text, cut }) => [text.length, cut])).toEqual([
    [65_536, 34_464],
    [9, undefined],
  ]);
});

test('law 2 › a token that is recorded › then neither an object nor a line is made of it', async () => {
  const { ask, open, say, linked } = await startRecorded();
  const turnId = await open('s');
  await say('s', ...Array.from({ length: 50 }, () => 'tok '));
  const before = await ask.turn(turnId);
  await say('s', ...Array.from({ length: 1_000 }, () => 'tok '));
  const after = await ask.turn(turnId, before.next);
  expect(after.records).toMatchObject([{ type: 'text', count: 1_000 }]);
  expect(await readMetric(linked.broker, 'recorded_dropped_records_total')).toEqual({});
  // What a run takes is what its characters take, however many tokens they came in; and it is made one text now and then.
  const run = new TextRun();
  for (; run.fits(1); run.add('x', 0));
  expect([run.count, run.bytes]).toEqual([8_192, 2 * 8_192]);
  expect(run.take(true)?.text).toBe('x'.repeat(8_192));
  expect([run.isEmpty, run.bytes]).toEqual([true, 0]);
});

test('any history › then it is recorded in order, numbered without a gap, with all that was said, and within its bounds', async () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('say' as const), text: fc.string({ unit: 'grapheme', maxLength: 40 }) }),
    },
    fc.constant({ do: 'call' as const }),
    fc.constant({ do: 'answer' as const }),
    fc.constant({ do: 'look' as const }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 15 }), { maxLength: 4 }), async (histories) => {
      const { ask, open, say, end, execute, asked, host, linked } = await startRecorded({ record: { turns: 3 } });
      for (const [at, history] of histories.entries()) {
        const session = `s${at}`;
        const turnId = await open(session);
        let [said, tools, tokens, seen] = ['', 0, 0, 0];
        const looked: unknown[] = [];
        const look = async () => {
          const { records, next } = await ask.turn(turnId, seen);
          looked.push(...records);
          seen = next;
        };
        for (const one of history) {
          if (one.do === 'say') {
            await say(session, one.text);
            said += one.text;
            tokens += 1;
          } else if (one.do === 'call') {
            await execute({ session_id: session });
            tools += 1;
          } else if (one.do === 'answer' && asked()) {
            host.answer(asked(), { ok: true });
            await settle();
          } else if (one.do === 'look') await look();
          else if (one.do === 'wait') await linked.advance(one.ms);
        }
        await end(session);
        await look();
        const log = await ask.turn(turnId);
        expect(log.records).toEqual(looked);
        expect(log.records.map(({ sequence }) => sequence)).toEqual(log.records.map((_, index) => index + 1));
        const times = log.records.map((record) => record.at);
        expect(log.turn).toMatchObject({ tokens, tools, state: 'done' });
        const counted = log.records.reduce((sum, record) => sum + (record.type === 'text' ? record.count : 0), 0);
        expect(counted).toBe(tokens);
        expect(textOf(log.records)).toBe(said);
        expect(Math.min(...times)).toBeGreaterThanOrEqual(log.turn.started_at);
        expect(Math.max(...times)).toBeLessThanOrEqual(log.turn.ended_at as number);
      }
      const { kept, turns } = await ask.turns();
      expect(turns.length).toBe(Math.min(3, histories.length));
      expect(kept.dropped).toBe(Math.max(0, histories.length - 3));
    }),
    { numRuns: 30 },
  );
});

test('megabytes are looked through › then others have their turn in between', async () => {
  const { open, say, end, host, manager } = await startRecorded();
  const page = 'all work and no play '.repeat(3_000);
  for (const session of ['a', 'b', 'c', 'd']) {
    await open(session);
    await say(session, ...Array.from({ length: 40 }, () => page));
    await end(session);
  }
  const search = manager.post('inspect.turns', { text: 'makes jack' });
  const other = host.post('tools.list');
  while (host.replyTo(other) === undefined) await settle();
  expect(manager.replyTo(search)).toBeUndefined();
  while (manager.replyTo(search) === undefined) await settle();
  expect(manager.replyTo(search).result.turns).toEqual([]);
});
