import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory that is gone after the test. Its path is short enough for a socket in it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sb-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A file's permission bits. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
