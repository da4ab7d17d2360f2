import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { lineOfFault } from '../../attach/json-fault.ts';

describe('the line in which a text stops being JSON', () => {
  test.each([
    ['', 1],
    ['{\n  "agents": [\n    {"id": x}\n  ]\n}', 3],
    ['{"a": 1,\n}', 2],
    ['[1\n\n2]', 3],
    ['{"a" 1}', 1],
    ['[]\n\n[]', 3],
    ['{"a": "two\nlines"}', 1],
    ['{"a": [1,\n2\n', 2],
    ['{"a": [1}\n]', 1],
    ['{\n// a comment\n}', 2],
    ["{\n'a': 1}", 2],
    ['{"a": 01}\n', 1],
    ['\n\n', 1],
  ])('of %j is %i', (text, line) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(lineOfFault(text)).toBe(line);
  });

  it('is that of what does not belong there, wherever that is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, seed) => {
        const lines = JSON.stringify({ value }, null, 1).split('\n');
        const at = 1 + (seed % lines.length);
        lines.splice(at, 0, '@');
        expect(lineOfFault(lines.join('\n'))).toBe(at + 1);
      }),
    );
  });
});
