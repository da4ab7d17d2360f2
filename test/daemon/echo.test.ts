import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { words } from '../../daemon/echo.ts';

describe('echo’s words', () => {
  it('keep the white space', () => {
    expect(words('one  two\nthree ')).toEqual(['one', '  two', '\nthree', ' ']);
    expect(words('')).toEqual([]);
    expect(words('  ')).toEqual(['  ']);
  });

  it('are the prompt again, joined', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (prompt) => words(prompt).join('') === prompt));
  });
});
