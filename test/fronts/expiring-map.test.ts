import { expect, test } from 'vitest';
import { ExpiringMap } from '../../fronts/core/expiring-map.ts';

test('a map that forgets › keeps so many, and so long', () => {
  let now = 0;
  const map = new ExpiringMap<number>(3, 1_000, () => now);
  for (const [at, key] of ['a', 'b', 'c'].entries()) map.set(key, at);
  map.set('a', 4);
  map.set('d', 5);
  expect(['a', 'b', 'c', 'd'].map((key) => map.get(key))).toEqual([4, undefined, 2, 5]);
  now = 999;
  expect(map.get('c')).toBe(2);
  map.set('e', 6);
  now = 1_000;
  expect(['a', 'd', 'e'].map((key) => map.get(key))).toEqual([undefined, undefined, 6]);
  map.set('f', 7);
  expect(map.size).toBe(2);
});
