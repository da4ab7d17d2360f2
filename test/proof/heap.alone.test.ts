import { expect, test } from 'vitest';
import { crowdOf, type Way } from '../support/crowd.ts';
import { heapInUse } from '../support/gc.ts';
import { startInternals } from '../support/internals.ts';
import { ofProof } from './support/extent.ts';

/** How many turns, and how many of them come before the heap is looked at first. */
const TURNS = ofProof(100_000, 40_000);
const FIRST = 10_000;
/** Less than twelve bytes of each: nothing that there is one of for a turn is so small. */
const MAY_GROW = 11.65;
/** Most just end; in the rest there is everything that a turn may leave behind. */
const WAYS: Way[] = [
  ...Array<Way>(10).fill('done'),
  ...(['cancel', 'cancel', 'error', 'error', 'refused', 'refused', 'tool', 'tool', 'approval', 'left'] as const),
];

test(`law 4 › when ${TURNS} turns have ended, with tools and approvals among them › then the heap is where it was after ${FIRST}`, {
  timeout: 300_000,
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
  await run(FIRST);
  const before = await heapInUse();
  await run(TURNS - FIRST);
  const grown = (await heapInUse()) - before;
  expect(internals.state.counters.turns).toBe(TURNS);
  expect(crowd.terminals + crowd.errors).toBe(TURNS);
  expect([crowd.toolCalls, crowd.toolAnswers]).toEqual([TURNS / 5, TURNS / 5]);
  expect(grown / (TURNS - FIRST)).toBeLessThan(MAY_GROW);
});
