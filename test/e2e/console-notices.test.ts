import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

test('the built console › names every package that went into it, with its licence', async () => {
  const notices = await readFile('dist/console/THIRD_PARTY.txt', 'utf8');
  expect(notices).toMatch(/^preact \d.*, MIT$/m);
  expect(notices).toMatch(/^@preact\/signals \d.*, MIT$/m);
  expect(notices).toMatch(/^elkjs \d.*, EPL-2\.0/m);
  expect(notices).toContain('Eclipse Public License');
  expect(notices).toContain('Permission is hereby granted, free of charge');
});

/** What a page of the console loads before anybody does anything, in bytes of gzip. */
const FIRST_LOAD = 80_000;

test('the built console › is small: what is large is loaded where it is used', async () => {
  const index = await readFile('dist/console/index.html', 'utf8');
  const files = [...index.matchAll(/(?:src|href)="(\.\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
  expect(files.length).toBeGreaterThan(2);
  const sizes = await Promise.all(
    files.map(async (path) => gzipSync(await readFile(join('dist/console', path))).length),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_LOAD);
});
