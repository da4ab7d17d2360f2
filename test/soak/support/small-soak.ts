import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { temporaryDirectory } from '../../e2e/support/cleanup.ts';
import { DIST, Program } from '../../e2e/support/program.ts';

export const SOAK = resolve(DIST, 'soak/main.js');
const SMALL = ['--connections', '40', '--turns', '20'];

/** A small soak, and the directory in which it keeps what it starts. */
export function startSoak(minutes: number, ...flags: string[]) {
  const TMPDIR = temporaryDirectory();
  const program = new Program([SOAK, '--minutes', String(minutes), ...SMALL, ...flags], { TMPDIR });
  return { program, homes: () => readdirSync(TMPDIR).map((name) => join(TMPDIR, name)) };
}
