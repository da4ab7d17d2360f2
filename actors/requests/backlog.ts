import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** When whoever was refused because too much waits for it may ask again. Milliseconds. */
export const RETRY_MS = 1_000;

/** An answer of megabytes is not put together for somebody who has not read the last one. @throws {WireError} `-32020` */
export function checkBacklog({ limits }: Kernel, { link }: Client): void {
  if (link.waitingBytes <= limits.hardLimitBytes) return;
  throw WireError.limitExceeded('hard_limit_bytes', limits.hardLimitBytes, RETRY_MS);
}
