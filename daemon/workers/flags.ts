import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { flagInfo } from '../flag.ts';
import type { Source } from '../sources.ts';

/** So many processes a supervisor starts at most. */
export const MAX_WORKERS = 64;

/** The flag that makes one daemon of several processes (`docs/cluster.md`). */
export const workerFlags = {
  workers: z
    .union([z.int().min(1).max(MAX_WORKERS), z.literal('auto')])
    .default(1)
    .transform((workers) => (workers === 'auto' ? Math.min(availableParallelism(), MAX_WORKERS) : workers))
    .register(flagInfo, {
      kind: 'number',
      group: 'Daemon',
      does: 'processes that share the work, behind one port; auto: one for each core',
      takes: `an integer from 1 to ${MAX_WORKERS}, or auto`,
      value: 'N',
    }),
};

/**
 * Checks what several processes cannot do.
 * @throws {ConfigError} naming both.
 */
export function checkWorkers(
  settings: { workers: number },
  given: Source,
  platform: NodeJS.Platform = process.platform,
): void {
  if (settings.workers === 1) return;
  if (platform === 'win32')
    throw new ConfigError(`${given.get('workers')?.label ?? '--workers'} takes 1 on Windows: more needs Unix sockets`);
}
