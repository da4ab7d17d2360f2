import { describe, expect, it } from 'vitest';
import { holds, nextOrder, sorted, wordsOf } from '../../console/table-order.ts';

describe('the order of a table', () => {
  const by = <T>(value: T) => value;

  it('of texts › is a person’s: numbers in them count, cases do not; unknown ones come last either way', () => {
    const names = ['agent-10', undefined, 'Agent-2', 'ägent-1', 'b'];
    expect(sorted(names, by, { isDown: false })).toEqual(['ägent-1', 'Agent-2', 'agent-10', 'b', undefined]);
    expect(sorted(names, by, { isDown: true })).toEqual(['b', 'agent-10', 'Agent-2', 'ägent-1', undefined]);
  });

  it('of equal ones › is as they stood, and what was given is left alone', () => {
    const rows = [
      { id: 'a', n: 2 },
      { id: 'b', n: 1 },
      { id: 'c', n: 2 },
    ];
    expect(sorted(rows, ({ n }) => n, { isDown: true }).map(({ id }) => id)).toEqual(['a', 'c', 'b']);
    expect(rows.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('when a title is pressed again and again › goes up, down and back; of numbers the largest come first', () => {
    const first = nextOrder(undefined, 'Agent', false);
    expect(first).toEqual({ title: 'Agent', isDown: false });
    const second = nextOrder(first, 'Agent', false);
    expect(second).toEqual({ title: 'Agent', isDown: true });
    expect(nextOrder(second, 'Agent', false)).toBeUndefined();
    expect(nextOrder(second, 'Turns', true)).toEqual({ title: 'Turns', isDown: true });
  });
});

describe('what is found in a table', () => {
  it('› has every word, in whichever of its texts, as it is or as it is shown; numbers are not looked through', () => {
    const texts = ['coder', 7, undefined, 'says a\u202eb'];
    for (const wanted of ['', ' CODER ', 'says cod', '\\u202E', 'a\u202eb'])
      expect(holds(texts, wordsOf(wanted))).toBe(true);
    for (const wanted of ['coder x', '7', 'sayscoder']) expect(holds(texts, wordsOf(wanted))).toBe(false);
  });
});
