import { afterAll, vi } from 'vitest';
import { undoAll } from '../e2e/support/cleanup.ts';

/* Loaded anew for each file of tests, where other modules stay: what one file has changed or started, the next must not see. */

/** How long a test waits for what has to come. Its own second is too little where several files share a slow core. Milliseconds. */
const PATIENCE_MS = 20_000;

/** A wait of `vi`'s, whose patience is this where a test says nothing else. */
const patient =
  <T, O extends object>(wait: (see: T, options?: number | O) => unknown) =>
  (see: T, options?: number | O) =>
    wait(see, typeof options === 'number' ? options : ({ timeout: PATIENCE_MS, ...options } as O));

// Once for each process: `vi` is the same for all of its files.
if (!('isPatient' in vi)) {
  vi.waitFor = patient(vi.waitFor) as typeof vi.waitFor;
  vi.waitUntil = patient(vi.waitUntil) as typeof vi.waitUntil;
  Object.defineProperty(vi, 'isPatient', { value: true });
}

afterAll(async () => {
  vi.resetConfig();
  await undoAll();
});
