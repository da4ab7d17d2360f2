import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, TestRunner } from 'vitest';

const left = new Set<() => unknown>();

/** Undoes something when the test ends; made outside of one, when its file ends, or when the whole run dies. */
export function own(undo: () => unknown): void {
  const once = () => (left.delete(once) ? undo() : undefined);
  left.add(once);
  if (TestRunner.getCurrentTest()) onTestFinished(async () => void (await once()));
}

/** Undoes all that is left of a file. `test/support/each-file.ts` has it done, for a module is loaded once for many files. */
export async function undoAll(): Promise<void> {
  const failures: unknown[] = [];
  // One that fails must leave nothing behind that another was to undo.
  for (const undo of [...left].reverse()) {
    try {
      await undo();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
}
process.once('exit', () => {
  for (const undo of [...left].reverse()) {
    try {
      undo();
    } catch {
      // Nobody is left to be told.
    }
  }
});

/** A directory that is gone afterwards, with a path short enough for a socket in it. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sb-e2e-'));
  own(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
