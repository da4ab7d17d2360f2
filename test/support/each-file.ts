import { afterAll, vi } from 'vitest';
import { undoAll } from '../e2e/support/cleanup.ts';

/* Loaded anew for each file of tests, where other modules stay: what one file has changed or started, the next must not see. */

/** How long a test waits for what has to come. Its own second is too little where several files share a slow core. Milliseconds. */
const PATIENCE_MS = 20_000;

const { waitFor, waitUntil } = vi;
// Once for each process: `vi` is the same for all of its files.
if (!('isPatient' in vi)) {
  vi.waitFor = (see, options) =>
    waitFor(see, typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options });
  vi.waitUntil = (see, options) =>
    waitUntil(see, typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options });
  Object.defineProperty(vi, 'isPatient', { value: true });
}

afterAll(async () => {
  vi.resetConfig();
  await undoAll();
});
