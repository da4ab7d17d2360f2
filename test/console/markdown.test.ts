import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Answer } from '../../console/reading/answer.ts';
import { type Block, codeOf, type Inline, textOf } from '../../console/reading/nodes.ts';
import { parse } from '../../console/reading/parse.ts';

/** No answer of these tests has more to close than this. */
const STEPS = 10_000;

/** An answer that came in pieces, each read and shown as it came. */
function answerOf(pieces: readonly string[]): Answer {
  const answer = new Answer();
  let steps = 0;
  for (const piece of pieces) {
    answer.append(piece);
    while (answer.step()) if (++steps > STEPS) throw new Error('it does not end');
    answer.show();
  }
  return answer;
}

const closedIn = (answer: Answer): Block[] =>
  answer.closed.value.flatMap(({ blocks }) => blocks.map(({ block }) => block));

function read(...pieces: string[]): Block[] {
  const answer = answerOf(pieces);
  return [...closedIn(answer), ...answer.open.value].map(inOne);
}

/** Code, in however many chunks it is. */
function inOne(block: Block): Block {
  return block.kind === 'code' ? { ...block, chunks: [], tail: codeOf(block) } : block;
}

/** Whatever is shown of blocks. */
function shownOf(blocks: readonly Block[]): string {
  return blocks.map(blockOf).join('\n');
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return lineOf(block.children);
    case 'quote':
      return shownOf(block.children);
    case 'list':
      return block.items.map(shownOf).join('\n');
    case 'code':
      return `${block.info}\n${codeOf(block)}`;
    case 'table':
      return [block.head, ...block.rows].map((row) => row.map(lineOf).join('|')).join('\n');
    case 'plain':
      return block.text;
    case 'rule':
      return '';
  }
}

function lineOf(inlines: readonly Inline[]): string {
  const one = (inline: Inline): string => {
    if (typeof inline === 'string' || inline.kind === 'break') return textOf([inline]);
    const inside = 'children' in inline ? lineOf(inline.children) : inline.text;
    return 'address' in inline ? `${inside} ${inline.address} ${inline.title}` : inside;
  };
  return inlines.map(one).join('');
}

/** What makes something else of what stands around it, with a word of its own in each. */
const PARTS = [
  '%',
  '# %',
  '## ',
  '- %',
  '  - %',
  '* %',
  '1. %',
  '7) %',
  '> %',
  '>',
  '```%',
  '```',
  '~~~ % %',
  '~~~',
  '````',
  '    %',
  '---',
  '===',
  '***',
  '% | %',
  '--|--',
  '| % | % | % |',
  '[%]: http://%.b "%"',
  '[%]',
  '<b title="%">%</b>',
  '<!-- % -->',
  '![%](http://p.q/%.png "%")',
  '[%](javascript:%)',
  '[%]( <data:%> (%))',
  '**%',
  '%** _%_ ~~%~~ `%`',
  '%  ',
  '%\\',
  '&lt;%&#x202e;',
  'http://%.example/%?%',
  '<http://%.example>',
  '',
  '',
  '',
  '   ',
  '#%',
  '- ',
  '  %',
  ' ```%',
  '[ ] %',
  '![[%](a%)](b%)',
  '>>>> %',
  '- - 1. > %',
];
const part = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PARTS) }, fc.string({ maxLength: 12 }));
const text = fc.array(part, { maxLength: 30 }).map((lines) => {
  let word = 0;
  return lines.map((line) => line.replace(/[\t\r]/g, '').replace(/%/g, () => `w${word++}w`)).join('\n');
});

function cut(whole: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((one, other) => one - other);
  return [...at, whole.length].map((end, place) => whole.slice(at[place - 1] ?? 0, end));
}

describe('an answer', () => {
  it('is what the whole text is', () => {
    fc.assert(
      fc.property(text, (some) => {
        const whole = `${some}\n`;
        expect(read(whole)).toEqual(parse(whole.replace(/\r\n?/g, '\n')).map(({ block }) => inOne(block)));
      }),
      { numRuns: 150 },
    );
  });

  it('is the same however it was cut, where a block is longer than what is parsed in one too', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 12 }), fc.constantFrom(1, 60), (some, places, times) => {
        const whole = Array(times).fill(some).join('\n');
        expect(read(...cut(whole, places))).toEqual(read(whole));
      }),
      { numRuns: 60 },
    );
  });

  it('shows every word: of HTML, of definitions, of addresses and titles, of what is deep and of cells beyond the head', () => {
    fc.assert(
      fc.property(text, fc.constantFrom(1, 60), (some, times) => {
        const whole = Array(times).fill(some).join('\n');
        const words = (of: string) => (of.match(/w\d+w/g) ?? []).sort();
        expect(words(shownOf(read(whole)))).toEqual(expect.arrayContaining(words(whole)));
        expect(words(shownOf(read(whole))).length).toBeGreaterThanOrEqual(words(whole).length);
      }),
      { numRuns: 60 },
    );
    const deep = `${'> '.repeat(60)}deep down\n\n| a | b |\n|---|---|\n| 1 | 2 | 3 hidden |`;
    expect(shownOf(read(deep))).toMatch(/deep down[\s\S]*3 hidden/);
  });

  it('that goes on › leaves what is closed alone, and parses its end anew', () => {
    const answer = answerOf(['# one\n\ntwo\n\n', 'thr']);
    const before = closedIn(answer);
    expect(before).toEqual([{ kind: 'heading', level: 1, children: ['one'] }]);
    answer.append('ee **bo');
    answer.show();
    expect(closedIn(answer)[0]).toBe(before[0]);
    expect(answer.open.value).toEqual([
      { kind: 'paragraph', children: ['two'] },
      { kind: 'paragraph', children: ['three **bo'] },
    ]);
  });

  it.each([
    ['a word', 'x'.repeat(1_000_000)],
    ['code', `\`\`\`\n${'let a = 1;\n'.repeat(90_000)}`],
    ['a list', '- an item of it\n'.repeat(60_000)],
    ['a table', `| a | b |\n|---|---|\n${'| c | d |\n'.repeat(100_000)}`],
    ['formatting', '*a* '.repeat(250_000)],
    ['quotes', '> '.repeat(500_000)],
  ])('of a mebibyte of %s › is closed but for its end, in as many parts as a page can draw', (_, whole) => {
    const answer = answerOf([whole]);
    const open = answer.open.value;
    expect(open.map((block) => (block.kind === 'code' ? block.tail : shownOf([block]))).join('').length).toBeLessThan(
      20_000,
    );
    const closed = answer.closed.value.flatMap(({ blocks }) => blocks);
    expect(closed.length).toBeLessThan(30_000);
    const plain = closed.findIndex(({ isTooMuch }) => isTooMuch);
    for (const { block } of closed.slice(plain === -1 ? closed.length : plain + 1)) expect(block.kind).toBe('plain');
    const letters = (of: string) => of.replace(/[^a-z]/g, '').length;
    // Of a table that is cut its head is said once.
    expect(letters(shownOf([...closed.map(({ block }) => block), ...open]))).toBe(letters(whole));
  });

  it('whose beginning is not kept any more › has the rest', () => {
    const answer = answerOf(['one\n\n'.repeat(100), 'x'.repeat(40_000)]);
    answer.forget(400);
    answer.show();
    expect(answer.closed.value[0]?.begin).toBe(320);
    expect(shownOf(closedIn(answer))).toMatch(/^one\n/);
  });
});
