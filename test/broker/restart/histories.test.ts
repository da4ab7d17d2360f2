import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { isWhole, ofProof } from '../../proof/support/extent.ts';
import { MemoryTurnJournal } from '../../support/memory-turn-journal.ts';
import { type History, HistoryPlay, STEPS } from './history.ts';

/*
 * Random histories of one turn over several lives of its broker: kills, power cuts, full disks, cut connections, an agent that
 * dies. Against the broker's own actors, with a journal that knows what is written and what is synced.
 */

afterEach(() => vi.restoreAllMocks());

const said = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^[a-z]{1,3}$/) },
  { weight: 1, arbitrary: fc.constant({ kind: 'bad' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'mood' as const }) },
);
const history: fc.Arbitrary<History> = fc.record({
  level: fc.constantFrom('process' as const, 'disk' as const),
  says: fc.array(said, { minLength: 1, maxLength: 12 }),
  steps: fc.array(fc.record({ what: fc.constantFrom(...STEPS), many: fc.integer({ min: 1, max: 4 }) }), {
    minLength: 5,
    maxLength: 40,
  }),
  dies: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 4 }),
});

const RUNS = ofProof(3_000, 60);

/** Those in which the power is cut. */
const cut = fc.record({
  level: fc.constant('disk' as const),
  says: fc.array(fc.constant('a'), { minLength: 6, maxLength: 9 }),
  steps: fc.array(
    fc.record({
      what: fc.constantFrom('agent says', 'time passes', 'agent reads', 'power cut', 'agent comes', 'write'),
      many: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 10, maxLength: 30 },
  ),
  dies: fc.constant(undefined),
}) as fc.Arbitrary<History>;

const play = (one: History) => new HistoryPlay(one).run();

test('a turn › whatever happens to its broker, its host and its agent › then its host has what was said, once and in order, and one end', async () => {
  await fc.assert(fc.asyncProperty(history, play), { numRuns: RUNS });
}, 600_000);

/** What is wrong with a journal, and has to be found. */
const faults: Record<string, () => void> = {
  'says that it has what it has not': () => {
    vi.spyOn(MemoryTurnJournal.prototype, 'whenSettled').mockImplementation((_position, run) => {
      run();
      return () => {};
    });
  },
  'loses what takes a number and is no event': () => {
    vi.spyOn(MemoryTurnJournal.prototype, 'skip').mockImplementation(() => {});
    const { frame } = MemoryTurnJournal.prototype;
    vi.spyOn(MemoryTurnJournal.prototype, 'frame').mockImplementation(function (
      this: MemoryTurnJournal,
      ...[turn, seq, , ...rest]
    ) {
      frame.call(this, turn, seq, 0, ...rest);
    });
  },
  'says that what is written is safe from power cuts': () => {
    vi.spyOn(MemoryTurnJournal.prototype, 'settled', 'get').mockImplementation(() => Number.MAX_SAFE_INTEGER);
  },
};

/** From each of these a history that finds it is not far. `npm run proof` starts from anywhere. */
const SEEDS: Record<string, number> = {
  'says that it has what it has not': 6,
  'loses what takes a number and is no event': 27,
  'says that what is written is safe from power cuts': 3,
};

test.each(Object.keys(faults))(
  'a journal that %s › then such a history finds it',
  async (fault) => {
    faults[fault]?.();
    const histories = fault.includes('power') ? cut : history;
    const from = isWhole ? {} : { seed: SEEDS[fault] as number };
    const found = fc.assert(fc.asyncProperty(histories, play), { ...from, numRuns: 2_000, endOnFailure: true });
    await expect(found).rejects.toThrow();
  },
  600_000,
);
