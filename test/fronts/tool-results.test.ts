import { expect, test } from 'vitest';
import { resultOf } from '../../fronts/core/tool-results.ts';

test.each([
  ['{"a":[1,null]}', { a: [1, null] }],
  ['5', 5],
  ['12345678901234567890', 12345678901234567890n],
  ['noon', 'noon'],
  ['', ''],
])('what a tool has given › %j › is JSON where it can be read as that', (text, result) => {
  expect(resultOf(text)).toEqual(result);
});

test.each([
  ['nests too deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['nests as deep as a message may, and goes into one', `${'['.repeat(198)}${']'.repeat(198)}`],
  ['has more members than a message may', `[${'0,'.repeat(200_000)}0]`],
  ['has a number that there is not', '[1e999]'],
])('what a tool has given › that %s › stays the text that it is', (_name, text) => {
  expect(resultOf(text)).toBe(text);
});
