import { expect, test } from 'vitest';
import { crowdOf, type Way } from '../../support/crowd.ts';
import { heapInUse } from '../../support/gc.ts';
import { startInternals } from '../../support/internals.ts';

const MIB = 2 ** 20;
/** Most just end; in the rest there is everything that a turn may leave behind. */
const WAYS: Way[] = [
  ...Array<Way>(10).fill('done'),
  ...(['cancel', 'cancel', 'error', 'error', 'refused', 'refused', 'tool', 'tool', 'approval', 'left'] as const),
];

test('law 4 › when 100,000 turns have ended, with tools and approvals among them › then the heap is where it was after 10,000', {
  timeout: 120_000,
}, async () => {
  const internals = startInternals({ approvals: { methods: ['tools.execute:gated'] } });
  const crowd = await crowdOf(internals);
  const run = async (count: number) => {
    // A thousand at once is all that one connection may have.
    for (let n = 0; n < count; n += 1_000) {
      await crowd.run(1_000, WAYS);
      await internals.advance(1_000);
    }
  };
  await run(10_000);
  const before = await heapInUse();
  await run(90_000);
  const grown = (await heapInUse()) - before;
  expect(internals.state.counters.turns).toBe(100_000);
  expect(crowd.terminals + crowd.errors).toBe(100_000);
  expect([crowd.toolCalls, crowd.toolAnswers]).toEqual([20_000, 20_000]);
  expect(grown / MIB).toBeLessThan(1);
});
