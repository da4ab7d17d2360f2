import { expect, test } from 'vitest';
import { TurnShare } from '../../transport/turn-share.ts';

/** Somebody with so many connections, each with so many messages of which each takes a millisecond. */
function flood(share: TurnShare, whose: object | string, connections: number, messages: number, done: string[]) {
  for (let connection = 0; connection < connections; connection += 1) {
    let left = messages;
    share.later(() => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      done.push(String(whose));
      left -= 1;
      return left > 0;
    }, whose);
  }
}

const idle = () => new Promise((resolve) => setImmediate(resolve));

test('somebody by fifty connections, and somebody by one › have the same part, message by message', async () => {
  const share = new TurnShare();
  const done: string[] = [];
  flood(share, 'acme/greedy', 50, 2, done);
  flood(share, 'acme/quiet', 1, 5, done);
  while (done.length < 105) await idle();
  expect(done.slice(0, 10)).toEqual(Array.from({ length: 5 }, () => ['acme/greedy', 'acme/quiet']).flat());
  expect(done.slice(10).every((who) => who === 'acme/greedy')).toBe(true);
});

test('whose messages wait on one connection › wait on the others too, and nobody else’s do', () => {
  const share = new TurnShare();
  const [one, other] = [{}, {}];
  share.later(() => false, 'acme/greedy');
  share.later(() => false, one);
  const now = performance.now();
  expect(share.isUsedUp(now, 'acme/greedy')).toBe(true);
  expect(share.isUsedUp(now, one)).toBe(true);
  // The turn has begun with the first of these.
  expect([share.isUsedUp(-Infinity, other), share.isUsedUp(-Infinity, 'acme/quiet')]).toEqual([false, false]);
});

test('one that fails › costs the others nothing', async () => {
  const share = new TurnShare();
  const done: string[] = [];
  const failures: unknown[] = [];
  const caught = (error: unknown) => void failures.push(error);
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', caught);
  try {
    share.later(() => {
      throw new Error('mine');
    }, 'acme/one');
    flood(share, 'acme/one', 1, 2, done);
    flood(share, 'acme/two', 1, 2, done);
    for (let turns = 0; turns < 1_000 && done.length < 4; turns += 1) await idle();
  } finally {
    process.off('uncaughtException', caught);
    for (const listener of before) process.on('uncaughtException', listener);
  }
  expect(failures).toEqual([new Error('mine')]);
  expect(done).toEqual(['acme/two', 'acme/one', 'acme/two', 'acme/one']);
});
