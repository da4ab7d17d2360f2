import { expect, test } from 'vitest';
import { Pace } from '../../console/runs/turn/pace.ts';

test('work that takes ever longer › is done at once the first time, and then takes a tenth of the time at most', () => {
  const pace = new Pace();
  let now = 1_000;
  let worked = 0;
  const began = now;
  expect(pace.left(now)).toBe(0);
  for (let took = 1; took < 500; took += 7) {
    now += pace.left(now);
    expect(pace.left(now)).toBe(0);
    pace.took(now, now + took);
    now += took;
    worked += took;
    expect(pace.left(now)).toBeGreaterThan(0);
  }
  now += pace.left(now);
  expect(worked / (now - began)).toBeCloseTo(0.1);
});
