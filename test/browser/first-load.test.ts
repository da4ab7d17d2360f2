import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const DIRECTORY = 'dist/console';
/** What may come before anything is seen, packed. Bytes. */
const MOST = 150_000;

/** As the daemon packs it (transport/page-files.ts). */
const packed = (body: Buffer) =>
  brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).byteLength;

/** The files that a page names: they are loaded before anything is shown. */
function named(html: string): string[] {
  const tags = html.match(/<(?:script|link)\b[^>]*>/g) ?? [];
  return tags
    .filter((tag) => !tag.includes('rel="icon"'))
    .flatMap((tag) => /(?:src|href)="([^"]+)"/.exec(tag)?.[1] ?? []);
}

describe('the first load of the console', () => {
  it('is less than 150 KB on its way', () => {
    const html = readFileSync(join(DIRECTORY, 'index.html'));
    const files = named(String(html));
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(scripts).not.toHaveLength(0);
    const sizes = files.map((file) => ({ file, bytes: packed(readFileSync(join(DIRECTORY, file))) }));
    const sum = sizes.reduce((bytes, one) => bytes + one.bytes, packed(html));
    expect(sum, JSON.stringify(sizes)).toBeLessThan(MOST);
    // Everything that these import is named too: a browser would find out about it only later, and so would this.
    for (const script of scripts) {
      const text = readFileSync(join(DIRECTORY, script), 'utf8');
      for (const [, other = ''] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
        expect(files).toContain(`./assets/${other}`);
    }
  });
});
