import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../docs/render.ts';

const sources = execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.js'], { cwd: ROOT, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(ROOT, path)));

/** What stands behind `#` for a heading, as a page on the web has it. */
const anchorsOf = (page: string) =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

it('a page that a comment names, and the place in it, are there; wire.md is docs/protocol.md, which says so', () => {
  expect(readFileSync(join(ROOT, 'docs/protocol.md'), 'utf8')).toContain('name `wire.md`');
  const lost: string[] = [];
  let found = 0;
  for (const path of sources) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    for (const [whole, page = '', anchor] of text.matchAll(/`([\w/-]+\.md)(?:#([\w-]+))?`/g)) {
      if (page === 'wire.md') continue;
      found += 1;
      if (!existsSync(join(ROOT, page)) || (anchor && !anchorsOf(page).includes(anchor)))
        lost.push(`${path}: ${whole}`);
    }
  }
  expect(lost).toEqual([]);
  expect(found).toBeGreaterThan(20);
});
