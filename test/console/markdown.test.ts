import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Answer } from '../../console/reading/answer.ts';
import { type Block, codeOf } from '../../console/reading/nodes.ts';
import { parse } from '../../console/reading/parse.ts';

/** All blocks of an answer that came in pieces. */
function read(pieces: readonly string[]): Block[] {
  const answer = new Answer();
  for (const piece of pieces) {
    answer.append(piece);
    for (let n = 0; answer.step(); n++) if (n > 5000) throw new Error('it does not end');
  }
  answer.show();
  const closed = answer.closed.value.flatMap(({ blocks }) => blocks.map(({ block }) => block));
  return [...closed, ...answer.open.value].map(plain);
}

/** Code however it was cut. */
function plain(block: Block): Block {
  return block.kind === 'code' ? { ...block, chunks: [], tail: codeOf(block) } : block;
}

const LINES = [
  'a paragraph',
  '# heading',
  '## ',
  '- item',
  '  - nested',
  '* star',
  '1. one',
  '7) seven',
  '> quote',
  '>',
  '```js',
  '```',
  '~~~',
  '````',
  '    indented',
  '---',
  '===',
  '***',
  'a | b',
  '--|--',
  '| c | d |',
  '[x]: http://a.b "t"',
  '[x]',
  '<b>html</b>',
  '<!-- c -->',
  '![alt](http://p.q/r.png)',
  '[text](javascript:alert(1))',
  '**bold',
  'and** _it_ ~~gone~~ `code`',
  'line  ',
  'line\\',
  '&lt;&#x202e;',
  'http://example.com/a?b',
  '',
  '',
  '',
  '   ',
  '#x',
  '- ',
  '  text',
  ' ```',
  '[ ] todo',
];
const document = fc
  .array(
    fc.oneof(
      fc.constantFrom(...LINES),
      fc.string({ maxLength: 12 }).map((s) => s.replace(/[\r\n\t]/g, '')),
    ),
    { maxLength: 30 },
  )
  .map((l) => l.join('\n'));

function cut(text: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((n) => n % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, place) => text.slice(place === 0 ? 0 : at[place - 1], end));
}

describe('an answer', () => {
  it('is what the whole text is', () => {
    fc.assert(
      fc.property(document, (text) => {
        expect(read([text])).toEqual(parse(text).map(({ block }) => plain(block)));
      }),
      { numRuns: 400 },
    );
  });
  it('is the same however it was cut', () => {
    fc.assert(
      fc.property(document, fc.array(fc.nat()), fc.constantFrom(1, 40), (text, places, times) => {
        const whole = Array(times).fill(text).join('\n');
        expect(read(cut(whole, places))).toEqual(read([whole]));
      }),
      { numRuns: 60 },
    );
  });
});
