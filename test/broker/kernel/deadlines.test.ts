import { expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { type BrokerClock, Deadlines } from '../../../actors/kernel/deadlines.ts';

/* Law 5 of the design: thousands of deadlines on one timer, none of them early. */

/** Deadlines on a clock that stands still until it is told otherwise, and what they ran. */
function start() {
  const clock = new SimulatedClock();
  const failures: unknown[] = [];
  const deadlines = new Deadlines(clock as unknown as BrokerClock, (error) => failures.push(error));
  const ran: string[] = [];
  return { clock, deadlines, failures, ran, note: (name: string) => () => void ran.push(name) };
}

test('a deadline › wherever in its grain it is armed, and however long it is › then it is never early, and at most a grain late', () => {
  for (let at = 0; at < 20; at += 1) {
    for (let ms = 0; ms <= 41; ms += 1) {
      const { clock, deadlines } = start();
      clock.set(at);
      let ranAt = Number.NaN;
      deadlines.arm(ms, () => {
        ranAt = clock.now();
      });
      for (let passed = 0; passed <= ms + 20; passed += 1) clock.increment(1);
      expect(ranAt, `armed at ${at} for ${ms}`).toBeGreaterThanOrEqual(at + ms);
      // The clock moves on by one before anything runs.
      expect(ranAt, `armed at ${at} for ${ms}`).toBeLessThanOrEqual(at + Math.max(ms, 1) + 19);
    }
  }
});

test('deadlines › when the timer is late › then they run in the order of their times, and one grain’s in the order of arming', () => {
  const { clock, deadlines, ran, note } = start();
  deadlines.arm(300, note('300'));
  deadlines.arm(100, note('100'));
  deadlines.arm(500, note('500'));
  deadlines.arm(100, note('100 again'));
  deadlines.arm(200, note('200'));
  deadlines.arm(2_000, note('2000'));
  clock.increment(1_000);
  expect(ran).toEqual(['100', '100 again', '200', '300', '500']);
  clock.increment(1_000);
  expect(ran.at(-1)).toBe('2000');
  expect(deadlines.size).toBe(0);
});

test('deadlines › when one that is due disarms its neighbour, or a later one that is late too › then that does not run', () => {
  const { clock, deadlines, ran, note } = start();
  deadlines.arm(100, () => {
    note('first')();
    deadlines.disarm(neighbour);
    deadlines.disarm(later);
  });
  const neighbour = deadlines.arm(100, note('neighbour'));
  const later = deadlines.arm(200, note('later'));
  deadlines.arm(300, note('last'));
  clock.increment(1_000);
  expect(ran).toEqual(['first', 'last']);
  expect(deadlines.size).toBe(0);
});

test('deadlines › when one that runs arms another › then that one has its whole time', () => {
  const { clock, deadlines, ran, note } = start();
  deadlines.arm(100, () => deadlines.arm(100, note('next')));
  clock.increment(150);
  clock.increment(99);
  expect(ran).toEqual([]);
  clock.increment(21);
  expect(ran).toEqual(['next']);
});

test('deadlines › when one throws › then that is told, and its neighbours and those after it run', () => {
  const { clock, deadlines, ran, failures, note } = start();
  const fault = new Error('a fault of ours');
  deadlines.arm(100, () => {
    throw fault;
  });
  deadlines.arm(100, note('neighbour'));
  deadlines.arm(200, note('later'));
  clock.increment(100);
  clock.increment(100);
  expect(ran).toEqual(['neighbour', 'later']);
  expect(failures).toEqual([fault]);
});

test('deadlines › when all are disarmed, or cleared › then nothing runs, and a new one does', () => {
  const { clock, deadlines, ran, note } = start();
  deadlines.disarm(deadlines.arm(100, note('disarmed')));
  deadlines.arm(200, note('cleared'));
  deadlines.clear();
  expect(deadlines.size).toBe(0);
  deadlines.arm(300, note('new'));
  clock.increment(1_000);
  expect(ran).toEqual(['new']);
});

/** Takes as long as the end of a turn does. */
function work(): void {
  for (const until = performance.now() + 0.2; performance.now() < until; );
}

test('hundreds of deadlines that are due at once › then they run in slices, in order, and those that are disarmed meanwhile do not', async () => {
  const { clock, deadlines, ran } = start();
  const armed = Array.from({ length: 500 }, (_, n) =>
    deadlines.arm(100, () => {
      work();
      ran.push(String(n));
    }),
  );
  clock.increment(100);
  expect(ran.length).toBeGreaterThanOrEqual(64);
  expect(ran.length).toBeLessThan(400);
  deadlines.disarm(armed[450]);
  // One that is armed meanwhile waits for its time.
  deadlines.arm(40, () => ran.push('later'));
  await expect.poll(() => ran.length).toBe(499);
  expect(ran).toEqual(armed.flatMap((_, n) => (n === 450 ? [] : [String(n)])));
  clock.increment(40);
  expect(ran.at(-1)).toBe('later');
  expect(deadlines.size).toBe(0);
});

test('hundreds of deadlines that are due at once › when all are cleared between two slices › then no more of them runs', async () => {
  const { clock, deadlines, ran } = start();
  for (let n = 0; n < 500; n += 1)
    deadlines.arm(100, () => {
      work();
      ran.push(String(n));
    });
  clock.increment(100);
  const { length } = ran;
  expect(length).toBeLessThan(400);
  deadlines.clear();
  for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
  expect(ran).toHaveLength(length);
});
