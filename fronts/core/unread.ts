import type { ServerResponse } from 'node:http';
import type { Limits } from '../../protocol/limits.ts';
import { PatientTimer } from '../../protocol/patience.ts';

/** An answer is written whole: whoever does not read it within the time that a page may take is cut, and it is kept no longer. */
export function cutUnread(response: ServerResponse, { pageTimeoutMs }: Pick<Limits, 'pageTimeoutMs'>): void {
  if (response.writableFinished || response.destroyed) return;
  const timer = new PatientTimer(() => response.destroy(), pageTimeoutMs);
  response.once('close', () => timer.stop());
}
