import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MASK, maskText, SECRET_TEXT } from '../../../actors/kernel/preview.ts';
import { bytesOf, TextLine } from '../../../actors/recording/line.ts';
import { TextBlocks } from '../../../actors/recording/text-blocks.ts';
import { startRecorded, textOf } from './recording-scene.ts';

/* The text of recorded turns: it comes back as it was said, wherever it is kept. */

/** Long enough for several runs: plain, with accents, of two bytes a character, and with halves of characters. */
const TEXTS = {
  plain: 'all work and no play '.repeat(1_500),
  accents: 'déjà vu, à côté '.repeat(1_500),
  wide: '漢字かな交じり文 — “quoted” 😀 '.repeat(1_200),
  halves: `${'ab \ud83d'.repeat(900)} ${'\ude00 cd'.repeat(900)}`,
};

test.each(Object.entries(TEXTS))(
  'much is said, %s › then it is recorded as it was said, in pieces or at once',
  async (_how, text) => {
    const { ask, open, say, end } = await startRecorded();
    const turnId = await open('s');
    const pieces = text.match(/[\s\S]{1,7}/g) ?? [];
    await say('s', text, ...pieces, 'x'.repeat(9_000));
    expect(textOf((await ask.turn(turnId)).records).startsWith(text)).toBe(true);
    await end('s');
    expect(textOf((await ask.turn(turnId)).records)).toBe(`${text}${text}${'x'.repeat(9_000)}`);
  },
);

test('turns with much text go for want of room › then their memory serves others, whose text is whole', async () => {
  const { ask, open, say, end } = await startRecorded({ record: { turns: 3 } });
  const kept: [string, string][] = [];
  const bytes: number[] = [];
  for (let at = 0; at < 12; at += 1) {
    const text = `${at} é ${'word '.repeat(4_000)}`;
    kept.push([await open(`s${at}`), text]);
    await say(`s${at}`, text);
    await end(`s${at}`);
    bytes.push((await ask.turns()).kept.bytes);
  }
  for (const [turnId, text] of kept.slice(-3)) expect(textOf((await ask.turn(turnId)).records)).toBe(text);
  // Nothing is counted twice, and nothing of what is gone.
  expect(Math.abs((bytes.at(-1) as number) - (bytes[4] as number))).toBeLessThan(200);
});

test('texts come and go in any order › then each that is kept reads as it was, and is counted as what it takes', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc
      .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 2_000 }))
      .map(([part, times]) => part.repeat(times)),
  );
  const step = fc.record({ text, gone: fc.option(fc.nat()) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const blocks = new TextBlocks();
      const there: { line: TextLine; said: string }[] = [];
      for (const { text: said, gone } of steps) {
        const line = new TextLine(
          { at: 1, until: 2, count: 1, text: said },
          { actor: 'a', from: null, cut: 0 },
          blocks,
        );
        there.push({ line, said });
        expect(bytesOf(line)).toBeGreaterThanOrEqual(said.length);
        if (gone === null) continue;
        const [taken] = there.splice(gone % there.length, 1);
        taken?.line.release();
        // Whoever is still looking through it finds nothing of another turn's.
        expect(taken?.line.text).toBe('');
      }
      for (const { line, said } of there) {
        expect(line.text).toBe(said);
        expect(JSON.parse(`{${line}`)).toMatchObject({ at: 1, type: 'text', until: 2, count: 1, text: said });
      }
    }),
  );
});

test('anything that looks like a secret › then it has the sign by which it is looked for', () => {
  const parts = [
    ...[
      'Bearer',
      'basic',
      ' ',
      '\t',
      'abcdefgh',
      '-',
      '_',
      '.',
      'eyJ',
      'sk',
      'sbk',
      'github_pat',
      'glpat',
      'xoxb',
      'AKIA',
    ],
    ...[
      'ABCDEFGHIJKLMN',
      '://',
      'user',
      ':',
      '@',
      'host',
      '?',
      '&',
      ';',
      'my-',
      'token',
      'SECRET',
      'password',
      'passw0rd1',
    ],
    ...['key', 'api', 'access', 'signature', 'sig', 'code', '=', '"', "'", 'authorization', '12345678', 'ghp', '\n'],
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 14 }), (some) => {
      const text = some.join('');
      for (const { secret, sign } of SECRET_TEXT) if (text.search(secret) >= 0) expect(text).toMatch(sign);
    }),
    { numRuns: 20_000 },
  );
});

test.each([
  'Bearer abcdefgh',
  'eyJhbGci.eyJzdWIi.c2ln',
  'github_pat_0123456789',
  'AKIAABCDEFGHIJKLM',
  'https://me:hunter2@host',
  '/path?code=1234',
  'Passw0rd: hunter2',
])('%s › then the secret in it is masked, wherever it stands', (secret) => {
  for (const text of [secret, `before ${secret} behind`, `${'. '.repeat(300)}${secret}`])
    expect(maskText(text, 10_000)).toContain(MASK);
});
