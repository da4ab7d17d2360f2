import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { EventLoopDelay } from '../../metrics/event-loop-delay.ts';

/** Holds the loop. */
function hold(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test('EventLoopDelay › when the loop was held › then it says for how long, and nothing is below zero', async () => {
  const delay = new EventLoopDelay();
  onTestFinished(() => delay.stop());
  expect(delay.read()).toEqual({ p50: 0, p99: 0, max: 0 });
  // Its first look has to be under way before it can be late.
  await pause(50);
  hold(300);
  await pause(50);
  const { p50, p99, max } = delay.read();
  expect(max).toBeGreaterThan(200);
  expect(p99).toBeGreaterThan(200);
  expect(p50).toBeGreaterThanOrEqual(0);
});
