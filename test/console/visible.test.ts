import { expect, test } from 'vitest';
import { visible } from '../../console/visible.ts';

test.each([
  ['turns the text around', 'rm \u202egnp.exe', 'rm ⟨U+202E⟩gnp.exe'],
  ['isolates a direction', 'a\u2066b\u2069', 'a⟨U+2066⟩b⟨U+2069⟩'],
  ['has no width', 'pay\u200bpal\ufeff', 'pay⟨U+200B⟩pal⟨U+FEFF⟩'],
  ['begins a line', 'one\u2028two', 'one⟨U+2028⟩two'],
  ['is a control', 'a\u0000b\u001b[2Kc\rd\u0085', 'a⟨U+0000⟩b⟨U+001B⟩[2Kc⟨U+000D⟩d⟨U+0085⟩'],
])('what %s › is written out', (_what, text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('what can be seen › stays as it is, line feeds and tabs too', () => {
  const text = 'Grüße,\n\tשלום مرحبا 你好 👋';
  expect(visible(text)).toBe(text);
});
