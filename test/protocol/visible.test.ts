import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { VisibleAnswer, visibleAnswer, visibleAnswerLine } from '../../protocol/visible-answer.ts';

/* Said here in words of its own: what the program itself takes for unseen is what is under test. */
const CLASSES = [
  /\p{Cc}/u,
  /\p{Cf}/u,
  /\p{Cs}/u,
  /\p{Co}/u,
  /\p{Cn}/u,
  /\p{Zl}/u,
  /\p{Zp}/u,
  /\p{Variation_Selector}/u,
];
const isUnseen = (character: string) => CLASSES.some((one) => one.test(character));

/** Texts in which what cannot be seen, and what may keep it, are frequent. */
const piece = fc.oneof(
  fc.constantFrom('\u202e', '\u2066', '\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\ufe0f', '\ufeff', '\u00ad'),
  fc.constantFrom('\u0000', '\u001b', '\u007f', '\u009b', '\r', '\n', '\t', '\u2028', '\u2029', '\u3164', '\u034f'),
  fc.constantFrom('\u{e0001}', '\u{e0067}', '\u{e0062}', '\u{e007f}', '\u{e0101}', '\u{f0000}', '\ue000', '\u{50000}'),
  fc.constantFrom(
    '\u{1f3f4}',
    '👩',
    '👦',
    '🏽',
    '❤',
    '1',
    '#',
    '\u20e3',
    'م',
    'क',
    '्',
    'ក',
    '葛',
    'ᠠ',
    'a',
    ' ',
    '"',
    '\\',
  ),
  fc.constantFrom('\ud83d', '\ude00', '\udb40', '\udc41'),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const text = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat(40), { maxLength: 8 });

describe('visible › what a person decides on', () => {
  test.each([
    ['turns the text around', 'delete \u202egpj.tac\u202c now', 'delete \\u202egpj.tac\\u202c now'],
    ['isolates a direction', 'a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['has no width', 'pay\u200bpal\ufeff\u200d', 'pay\\u200bpal\\ufeff\\u200d'],
    ['is a tag', 'a\u{e0041}', 'a\\udb40\\udc41'],
    ['chooses a form', '❤\ufe0f', '❤\\ufe0f'],
    ['is a letter without a form', 'a\u3164b\u115f', 'a\\u3164b\\u115f'],
    ['begins a line', 'one\u2028two', 'one\\u2028two'],
    ['is a control', 'a\u0000b\u001b[2Kc\rd\u0085\u007f', 'a\\u0000b\\u001b[2Kc\\u000dd\\u0085\\u007f'],
    ['is half a character', 'a\ud83d', 'a\\ud83d'],
    ['means nothing to others', '\ue000\u{50000}', '\\ue000\\ud900\\udc00'],
  ])('what %s › is written out', (_what, given, shown) => {
    expect(visible(given)).toBe(shown);
  });

  test('what can be seen › stays as it is; line feeds and tabs only where there is more than a line', () => {
    const seen = 'Grüße, שלום مرحبا 你好 👋🏽 नमस्ते';
    expect(visible(`${seen}\n\t`)).toBe(`${seen}\n\t`);
    expect(visibleLine(`${seen}\n\t`)).toBe(`${seen}\\n\\t`);
  });

  test('whatever it is › nothing of it is unseen, and a second time changes nothing', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect([...visible(given)].filter((one) => isUnseen(one) && one !== '\n' && one !== '\t')).toEqual([]);
        expect([...visibleLine(given)].filter(isUnseen)).toEqual([]);
        expect(visible(visible(given))).toBe(visible(given));
      }),
      { numRuns: 1_000 },
    );
  });

  test('JSON › stays JSON of the same value, on one line and on many', () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.oneof(text, fc.jsonValue())), (given) => {
        // Half characters and -0 are lost by JSON itself.
        const written = JSON.stringify(given);
        expect(JSON.parse(visible(written))).toEqual(JSON.parse(written));
        expect(JSON.parse(visible(JSON.stringify(given, null, 2)))).toEqual(JSON.parse(written));
        expect([...visible(written)].filter(isUnseen)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('visibleAnswer › what a person reads', () => {
  test.each([
    ['families', '👨\u200d👩\u200d👧'],
    ['a heart on fire', '❤\ufe0f\u200d🔥'],
    ['skin', '👍🏽 👩🏽\u200d🚀'],
    ['a key', '1\ufe0f\u20e3'],
    ['flags', '🇧🇪 🏳\ufe0f\u200d🌈'],
    ['England', '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}'],
    ['an emoji that is younger', '\u{1faff}'],
    ['Persian', 'می\u200cخواهم'],
    ['Hindi', 'क्\u200dष क्\u200cष'],
    ['Malayalam', 'ക്\u200d'],
    ['Khmer', 'ភាសា\u200bខ្មែរ'],
    ['Hebrew, with a mark', '\u200fC#\u200f היא שפה'],
    ['a verse', 'بسم \u06dd١'],
    ['an old form', '葛\u{e0100}'],
    ['lines', 'a\n\tb'],
  ])('%s › stays as it is, however it is cut', (_what, given) => {
    expect(visibleAnswer(given)).toBe(given);
    const stream = new VisibleAnswer();
    const units = Array.from({ length: given.length }, (_, at) => stream.next(given[at] ?? ''));
    expect(units.join('') + stream.end()).toBe(given);
  });

  test.each([
    ['an override', 'delete \u202egpj.tac\u202c', 'delete \\u202egpj.tac\\u202c'],
    ['an isolate', 'a\u2067b\u2069', 'a\\u2067b\\u2069'],
    ['a joiner that joins nothing', 'a\u200db 👩\u200d x', 'a\\u200db 👩\\u200d x'],
    ['a selector of nothing', 'a\ufe0f1\ufe0f2', 'a\\ufe0f1\\ufe0f2'],
    ['words in tags', '\u{1f3f4}\u{e0068}\u{e0069}\u{e007f}', '\u{1f3f4}\\udb40\\udc68\\udb40\\udc69\\udb40\\udc7f'],
    ['a row of marks', 'a\u200e\u200f\u200e', 'a\u200e\\u200f\\u200e'],
    ['a control', 'a\u001b[2J\rb\u009b', 'a\\u001b[2J\\u000db\\u009b'],
  ])('%s › is written out', (_what, given, shown) => {
    expect(visibleAnswer(given)).toBe(shown);
  });

  test('a line end of Windows › is one', () => {
    expect(visibleAnswer('a\r\nb')).toBe('a\nb');
    expect(visibleAnswerLine('a\r\nb\tc')).toBe('a b c');
  });

  test('however it is cut › what is shown is what the whole shows, and a second time changes nothing', () => {
    fc.assert(
      fc.property(text, cuts, (given, at) => {
        const stream = new VisibleAnswer();
        const places = [...at].sort((one, other) => one - other);
        const parts = [0, ...places].map((from, n) => given.slice(from, places[n] ?? undefined));
        const shown = parts.map((part) => stream.next(part)).join('') + stream.end();
        expect(shown).toBe(visibleAnswer(given));
        const units = new VisibleAnswer();
        const single = Array.from({ length: given.length }, (_, n) => units.next(given[n] ?? '')).join('');
        expect(single + units.end()).toBe(shown);
        expect(visibleAnswer(shown)).toBe(shown);
      }),
      { numRuns: 3_000 },
    );
  });

  test('whatever it is › nothing turns it around, no control is left, and nothing unseen stands beside plain letters', () => {
    fc.assert(
      fc.property(text, (given) => {
        const shown = visibleAnswer(given);
        expect(shown).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2060-\u206f\ufeff\u2028\u2029\u3164]|\p{Co}|\p{Cs}/u);
        expect(shown).not.toMatch(
          /[a-z ](?![\u200e\u200f\u061c\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])[\p{Cf}\p{Variation_Selector}]/u,
        );
      }),
      { numRuns: 1_000 },
    );
  });
});
