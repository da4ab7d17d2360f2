import { WireError } from '../../protocol/errors.ts';
import type { Client } from './client.ts';
import type { Kernel } from './kernel.ts';

/** When whoever was refused because too much waits for it may ask again. Milliseconds. */
export const RETRY_MS = 1_000;

/**
 * Something large is about to be sent to a connection because another asked for it: who causes bytes pays for them, before
 * their reader is cut off for it. One that has read all but everything is sent whatever it is.
 * @throws {WireError} `-32020`; then nothing is to be sent
 */
export function admitBytes({ limits }: Kernel, { link }: Client, bytes: number): void {
  const { hardLimitBytes, softLimitBytes, maxMessageBytes } = limits;
  if (bytes > maxMessageBytes) throw WireError.limitExceeded('max_message_bytes', maxMessageBytes);
  const waiting = link.waitingBytes;
  if (waiting + bytes <= hardLimitBytes) return;
  if (waiting > softLimitBytes) throw WireError.limitExceeded('reader_backlog_bytes', hardLimitBytes, RETRY_MS);
  link.allow?.(bytes);
}

/** An answer of megabytes is not put together for somebody who has not read the last one. @throws {WireError} `-32020` */
export function checkBacklog({ limits }: Kernel, { link }: Client): void {
  if (link.waitingBytes <= limits.hardLimitBytes) return;
  throw WireError.limitExceeded('hard_limit_bytes', limits.hardLimitBytes, RETRY_MS);
}
