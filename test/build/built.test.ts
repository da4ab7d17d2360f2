import { mkdir, mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSources, isBuilt, OUTPUTS, stamp } from '../../scripts/built.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'switchboard-built-'));
  for (const path of ['broker.ts', 'actors/turn.ts', 'console/icon.svg', 'package.json', ...OUTPUTS]) await put(path);
  stamp(hashSources(root), root);
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, content = path) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

describe('whether dist/ is built from the sources', () => {
  it('says yes after a build, and whatever the times of the files say', async () => {
    expect(isBuilt(root)).toBe(true);
    await utimes(join(root, 'broker.ts'), new Date(), new Date());
    expect(isBuilt(root)).toBe(true);
  });

  it('says no when a file has changed, though neither its time nor its size tells', async () => {
    const { atime, mtime } = await stat(join(root, 'actors/turn.ts'));
    await put('actors/turn.ts', 'actors/TURN.ts');
    await utimes(join(root, 'actors/turn.ts'), atime, mtime);
    expect(isBuilt(root)).toBe(false);
    await put('actors/turn.ts');
    expect(isBuilt(root)).toBe(true);
  });

  it.each(['actors/new.ts', 'console/new.css', 'scripts/new.js', 'wholly/new/folder.ts'])(
    'says no when %s is there anew, however old it is, and yes when it is gone again',
    async (path) => {
      await put(path);
      await utimes(join(root, path), 1, 1);
      expect(isBuilt(root)).toBe(false);
      await rm(join(root, path));
      expect(isBuilt(root)).toBe(true);
    },
  );

  it.each(['actors/turn.ts', 'console/icon.svg', 'package.json'])('says no when %s is gone', async (path) => {
    await rm(join(root, path));
    expect(isBuilt(root)).toBe(false);
  });

  it('says no when a file has only another name', async () => {
    await rename(join(root, 'actors/turn.ts'), join(root, 'actors/turns.ts'));
    expect(isBuilt(root)).toBe(false);
  });

  it('says no when a part of what was built is gone, and when a build did not come to its end', async () => {
    await rm(join(root, 'dist/console/index.html'));
    expect(isBuilt(root)).toBe(false);
    await put('dist/console/index.html');
    expect(isBuilt(root)).toBe(true);
    await rm(join(root, 'dist/.built-from'));
    expect(isBuilt(root)).toBe(false);
  });

  it('does not care for what nothing is built from', async () => {
    for (const path of ['README.md', 'test/a.test.ts', 'node_modules/a/index.js', '.git/a.ts']) await put(path);
    expect(isBuilt(root)).toBe(true);
  });
});
