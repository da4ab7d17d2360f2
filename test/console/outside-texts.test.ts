import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/*
 * What others have written gets into the page by `showTexts` alone, which writes out what cannot be seen. A surface is drawn by
 * a library that goes around that, and is watched for what it draws (`surfaces/shown-parts.ts`).
 */

const CONSOLE = join(import.meta.dirname, '../../console');
const files = readdirSync(CONSOLE, { recursive: true, encoding: 'utf8' }).map((path) => ({
  path,
  text: /\.(tsx?|css)$/.test(path) ? readFileSync(join(CONSOLE, path), 'utf8') : '',
}));
const where = (pattern: RegExp, leftOut?: RegExp) =>
  files.filter(({ path, text }) => !leftOut?.test(path) && pattern.test(text)).map(({ path }) => path);

it('every program of the console › shows its texts by showTexts, before it draws anything', () => {
  const programs = files.filter(({ text }) => /\brender\(/.test(text) && /from 'preact'/.test(text));
  expect(programs.map(({ path }) => path).sort()).toEqual(['main.tsx', 'stately/main.ts']);
  for (const { text } of programs) expect(text).toMatch(/\n {2}showTexts\(\);[\s\S]*\n {2}render\(/);
});

it('no file but those of surfaces › writes a text into the page itself', () => {
  const itself =
    /\.(textContent|innerText|innerHTML|outerHTML|nodeValue)\s*=(?!=)|dangerouslySetInnerHTML|insertAdjacent|document\.write|createTextNode|setAttribute\('(title|alt|label|placeholder|aria-)/;
  expect(where(itself, /^surfaces\//)).toEqual([]);
});

it('what stands outside of the page › has only words that are the console’s own, or comes from visibleLine', () => {
  const titles = files.flatMap(({ text }) =>
    [...text.matchAll(/document\.title = (.*)/g)].map(([, title = '']) => title),
  );
  expect(titles.length).toBeGreaterThan(1);
  for (const title of titles) {
    for (const [, part = ''] of title.matchAll(/\$\{(.*?)\}/g)) {
      expect(part).toMatch(/^waiting > 0 |^current\.title$|^visibleLine\(/);
    }
  }
  const notices = files.filter(({ text }) => /new Notification\(|\b(alert|confirm)\(/.test(text));
  for (const { path, text } of notices) expect(text, path).toMatch(/\bvisible(Line)?\b|\bshown\b/);
});

it('no style › turns a text around', () => {
  expect(where(/direction:\s*rtl|bidi-override/)).toEqual([]);
});
