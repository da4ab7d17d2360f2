import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A user who may write to nothing of ours: `nobody`, where the tests are run by the superuser. */
export const NOBODY = process.getuid?.() === 0 ? 65_534 : undefined;

/** Whether everybody may go into each folder above a path, and run what is there. */
function isForEverybody(path: string): boolean {
  if ((statSync(path).mode & 0o001) === 0) return false;
  return path === dirname(path) || isForEverybody(dirname(path));
}

let runtime: string | undefined;

/** A Node that `nobody` may run: ours, or, where it is in a folder of the superuser's own, a copy of it. */
export function nodeOfNobody(): string {
  if (NOBODY === undefined || isForEverybody(process.execPath)) return process.execPath;
  if (runtime === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-node-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o755);
    runtime = join(folder, 'node');
    copyFileSync(process.execPath, runtime);
    chmodSync(runtime, 0o755);
  }
  return runtime;
}
