import { expect, test } from 'vitest';
import { age, bytes, count, deadlineOf, short } from '../../console/format.ts';

test.each([
  [-1, '0 s'],
  [59_999, '59 s'],
  [185_000, '3 min 5 s'],
  [600_000, '10 min'],
  [7_800_000, '2 h 10 min'],
  [352_800_000, '4 d 2 h'],
])('age › %i ms › %s', (ms, words) => {
  expect(age(ms)).toBe(words);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '0.98 KiB'],
  [1_536, '1.5 KiB'],
  [8 * 1_024 ** 2, '8 MiB'],
  [5_000 * 1_024 ** 3, '5,000 GiB'],
])('bytes › %i › %s', (value, words) => {
  expect(bytes(value)).toBe(words);
});

test.each([
  [0.001, '<0.01'],
  [0.126, '0.13'],
  [4, '4'],
  [4.25, '4.3'],
  [87.4, '87'],
  [12_300, '12,300'],
])('short › %d › %s', (value, words) => {
  expect(short(value)).toBe(words);
});

test('count › sets thousands apart', () => {
  expect(count(1_234_567)).toBe('1,234,567');
});

test.each([
  [1_700_000_000, 1_700_000_000_000],
  [1_700_000_000_000, 1_700_000_000_000],
  ['2023-11-14T22:13:20Z', 1_700_000_000_000],
  ['soon', undefined],
  [undefined, undefined],
  [-5, undefined],
])('a deadline of %s › is %s', (given, ms) => {
  expect(deadlineOf(given)).toBe(ms);
});
