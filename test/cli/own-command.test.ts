import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ownCommand } from '../../own-command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'dist/cli/main.js');

/** A folder, with a link to the command line or to another program somewhere below it. */
function folderWith(link?: string, target = PROGRAM): string {
  const folder = mkdtempSync(join(tmpdir(), 'sb-own-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (link === undefined) return folder;
  mkdirSync(join(folder, link, '..'), { recursive: true });
  symlinkSync(target, join(folder, link));
  return folder;
}

it('the command to type › is the bare name where it is on the path', () => {
  const PATH = `/nonexistent:${folderWith('switchboard')}`;
  expect(ownCommand({ PATH }, folderWith())).toBe('switchboard');
});

it('the command to type › is by npx in a folder that has it, below that, and in the checkout', () => {
  const folder = folderWith('node_modules/.bin/switchboard');
  expect(ownCommand({}, folder)).toBe('npx switchboard');
  expect(ownCommand({}, join(folder, 'deeper'))).toBe('npx switchboard');
  expect(ownCommand({}, join(ROOT, 'docs'))).toBe('npx switchboard');
});

it('the command to type › is by its file anywhere else', () => {
  expect(ownCommand({}, folderWith())).toBe(`node ${PROGRAM}`);
});

it('the command to type › is not what only npm has put on the path, nor another program of that name', () => {
  const PATH = `${folderWith('node_modules/.bin/switchboard')}/node_modules/.bin:${folderWith('switchboard', process.execPath)}`;
  expect(ownCommand({ PATH }, folderWith())).toBe(`node ${PROGRAM}`);
});
