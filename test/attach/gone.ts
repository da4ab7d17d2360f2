import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** Whether a process runs. */
export function isThere(pid: number): boolean {
  try {
    // A dead one that nobody has waited for is none.
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}

/** Resolves when a process is gone. */
export async function gone(pid: number): Promise<void> {
  while (isThere(pid)) await delay(20);
}
