import { afterAll, vi } from 'vitest';
import { undoAll } from '../e2e/support/cleanup.ts';

/* Loaded anew for each file of tests, where other modules stay: what one file has changed or started, the next must not see. */

afterAll(async () => {
  vi.resetConfig();
  await undoAll();
});
