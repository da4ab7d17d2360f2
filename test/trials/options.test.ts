import { expect, test } from 'vitest';
import { helpText, readOptions } from '../../trials/options.ts';
import type { Trial } from '../../trials/trial.ts';

const trials: Trial[] = ['one', 'two', 'three'].map((name) => ({
  name,
  does: `tries ${name}`,
  packages: [],
  run: async () => {},
}));

test('trials › all of them, unless some are named', () => {
  expect(readOptions([], trials).trials).toBe(trials);
  const { trials: named } = readOptions(['--only', 'one', '--only', 'three,two'], trials);
  expect(named.map(({ name }) => name)).toEqual(['one', 'two', 'three']);
});

test('trials › names those that there are', () => {
  expect(() => readOptions(['--only', 'four'], trials)).toThrow('--only takes one, two, three, not four');
  expect(() => readOptions(['--other'], trials)).toThrow('--other');
  expect(helpText(trials)).toContain('tries two');
});
