import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished, TestRunner } from 'vitest';

const left = new Set<() => unknown>();

/** Undoes something when the test ends; made outside of one, when its file ends, or when the whole run dies. */
export function own(undo: () => unknown): void {
  const once = () => (left.delete(once) ? undo() : undefined);
  left.add(once);
  if (TestRunner.getCurrentTest()) onTestFinished(async () => void (await once()));
}

afterAll(async () => {
  for (const undo of [...left].reverse()) await undo();
});
process.once('exit', () => {
  for (const undo of [...left].reverse()) undo();
});

/** A directory that is gone afterwards, with a path short enough for a socket in it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sb-e2e-'));
  own(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
