import { expect, test } from 'vitest';
import { StubbornLink, startInternals } from '../../support/internals.ts';

/** A connection whose link says when it is read. */
function connected() {
  const internals = startInternals({ limits: { bytesPerSecond: 100_000, byteBurst: 200_000 } });
  const link = new StubbornLink();
  let isPaused = false;
  const changes: boolean[] = [];
  const set = (paused: boolean) => () => {
    isPaused = paused;
    changes.push(paused);
  };
  Object.assign(link, { pause: set(true), resume: set(false) });
  internals.open(link);
  link.deliver({ id: 0, method: 'session.auth', params: { token: internals.tokens.daemon } });
  const send = (bytes: number) => link.deliver({ id: 1, method: 'agents.list', params: { x: 'x'.repeat(bytes) } });
  return { link, send, changes, isPaused: () => isPaused, wait: (ms: number) => internals.clock.increment(ms) };
}

test('large frames › beyond what may be read at once › are read all the same, and no more until they are paid for', () => {
  const { link, send, isPaused, wait } = connected();
  send(150_000);
  expect(isPaused()).toBe(false);
  send(150_000);
  expect(isPaused()).toBe(true);
  // What was on its way already is carried out, and makes the wait longer.
  send(50_000);
  expect(link.sent).toHaveLength(4);
  wait(1_000);
  expect(isPaused()).toBe(true);
  wait(600);
  expect(isPaused()).toBe(false);
  expect(link.closeCode).toBeUndefined();
});

test('members of a large frame › cost more than their text: whoever sends many waits', () => {
  const { link, isPaused, wait } = connected();
  const members = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 0]));
  // A thousand of them in 210 kB, on credit for 10 kB: half a megabyte more is to be paid for.
  link.deliver({ id: 1, method: 'agents.list', params: { x: 'x'.repeat(200_000), members } });
  expect(isPaused()).toBe(true);
  wait(5_000);
  expect(isPaused()).toBe(true);
  wait(500);
  expect(isPaused()).toBe(false);
});

test('small frames › however many › are free', () => {
  const { send, changes } = connected();
  for (let n = 0; n < 1_000; n += 1) send(3_000);
  expect(changes).toEqual([]);
});

test('what was not used › is no credit beyond the burst', () => {
  const { send, isPaused, wait } = connected();
  wait(60_000);
  send(150_000);
  send(100_000);
  expect(isPaused()).toBe(true);
});

test('a connection that ends while it is not read › is not taken up again', () => {
  const { link, send, changes, wait } = connected();
  send(300_000);
  link.terminate();
  wait(60_000);
  expect(changes).toEqual([true]);
});
