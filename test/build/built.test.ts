import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSources, hasSources, isBuilt, OUTPUTS, stamp } from '../../scripts/built.js';
import { NOBODY, nodeOfNobody } from '../support/nobody.ts';

const SCRIPTS = join(import.meta.dirname, '../../scripts');

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

describe('an installed package, which has no sources', () => {
  beforeEach(() => rm(join(root, 'broker.ts')));

  it('is built where all of it is there, though nobody says from what', async () => {
    expect(hasSources(root)).toBe(false);
    await rm(join(root, 'dist/.built-from'));
    expect(isBuilt(root)).toBe(true);
    await rm(join(root, 'dist/console/index.html'));
    expect(isBuilt(root)).toBe(false);
  });
});

describe('a build only where it is needed, by who cannot build', () => {
  const build = (...words: string[]) =>
    spawnSync(nodeOfNobody(), [join(root, 'scripts/build.js'), ...words], {
      encoding: 'utf8',
      ...(NOBODY && { uid: NOBODY }),
    });

  beforeEach(async () => {
    await put('package.json', '{"type":"module"}');
    for (const name of ['build.js', 'built.js']) await cp(join(SCRIPTS, name), join(root, 'scripts', name));
    stamp(hashSources(root), root);
    await chmod(root, 0o755);
  });

  it('says nothing where dist/ is built from these sources', () => {
    expect(build('--if-needed')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('leaves an older dist/ as it is, and says so, without the devDependencies', async () => {
    await put('actors/turn.ts', 'changed');
    const { status, stderr } = build('--if-needed');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^build: .*used as it is.*npm ci`\n$/),
    });
    expect(build()).toMatchObject({ status: 1, stderr: expect.stringContaining('npm ci') });
  });

  it('and for somebody who may not write to it', async () => {
    await put('actors/turn.ts', 'changed');
    await put('node_modules/.bin/tsc', '');
    if (NOBODY === undefined) await chmod(join(root, 'dist'), 0o555);
    const { status, stderr } = build('--if-needed');
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining(`may not write to ${root}/dist`) });
  });

  it('fails where there is no whole dist/ to be used', async () => {
    await rm(join(root, 'dist/.built-from'));
    expect(build('--if-needed')).toMatchObject({ status: 1, stderr: expect.stringContaining('npm ci') });
  });
});
