import { describe, expect, it } from 'vitest';
import { droppable, withoutOutgoing } from '../../scripts/unread-schemas.ts';

describe('a bundle of the protocol', () => {
  it('is told which constants may be left out, each line staying where it is', () => {
    const code = [
      "import { z } from 'zod';",
      'const part = z.string().max(3);',
      'export const whole: z.ZodType = z',
      '  .object({ part })',
      '  .optional();',
      'export const [A, plain] = [1, () => z.string()];',
      'function make() { const inner = z.null(); return inner; }',
    ];
    expect(droppable(code.join('\n')).split('\n')).toEqual([
      code[0],
      'const part = /* @__PURE__ */ (() => z.string().max(3))();',
      'export const whole: z.ZodType = /* @__PURE__ */ (() => z',
      '  .object({ part })',
      '  .optional())();',
      code[5],
      code[6],
    ]);
  });

  it('has no schemas of results, nor of what the broker sends; those of requests it has', () => {
    const table = [
      'export const someMethods = {',
      "  'some.request': {",
      "    direction: 'in',",
      '    params: some.params,',
      '    result: listing(some.row),',
      "    errors: ['NotFound'],",
      '  },',
      "  'some.event': {",
      "    direction: 'out',",
      "    kind: 'notification',",
      '    summary:',
      "      'A long one.',",
      '    params: some.event,',
      '  },',
      "  'other.request': {",
      "    direction: 'in',",
      '    params: other.params,',
      '  },',
      '};',
    ];
    const left = table.map((line, index) => (index === 4 || index === 12 ? '' : line));
    expect(withoutOutgoing(table.join('\n')).split('\n')).toEqual(left);
  });
});
