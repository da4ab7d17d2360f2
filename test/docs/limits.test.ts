import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../docs/render.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';

const page = readFileSync(join(ROOT, 'docs/limits.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| '));

/** A number as the page writes it, for a time in milliseconds or a size in bytes too. */
function spellings(name: string, value: number): string[] {
  const plain = value.toLocaleString('en-US');
  if (name.endsWith('Bytes')) return [`${value / 1024 / 1024} MiB`, `${value / 1024} KiB`];
  if (name.endsWith('Ms')) return [`${value / 1000} s`, `${value / 60_000} min`];
  return [plain];
}

describe('docs/limits.md', () => {
  it.each(Object.entries(DEFAULT_LIMITS))('names %s with its default', (name, value) => {
    const row = rows.find((line) => line.includes(`\`${name}\``));
    expect(row, name).toBeDefined();
    const after = row?.split(`\`${name}\`, `)[1] ?? '';
    expect(
      spellings(name, value).some((text) => after.startsWith(text)),
      `${name}: ${after.slice(0, 40)}`,
    ).toBe(true);
  });

  it('names no limit that there is not', () => {
    const named = [...page.matchAll(/`((?:max|kept)[A-Z]\w+|\w+(?:LimitMs|Bytes))`/g)].map(([, name]) => name);
    expect(named.filter((name) => !Object.hasOwn(DEFAULT_LIMITS, name ?? ''))).toEqual([]);
  });

  it('names files and constants that are there', () => {
    const constants = [...page.matchAll(/`(\w+)` in `([\w/.-]+)`/g)];
    expect(constants.length).toBeGreaterThan(8);
    for (const [, name, path] of constants) {
      expect(readFileSync(join(ROOT, path as string), 'utf8'), `${name} in ${path}`).toContain(`const ${name} `);
    }
    for (const [, path] of page.matchAll(/`(test\/[\w/.-]+)`/g)) {
      expect(existsSync(join(ROOT, path as string)), path).toBe(true);
    }
  });
});
