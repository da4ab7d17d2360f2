import { setTimeout as delay } from 'node:timers/promises';

/** Between two looks whether a group is gone. Milliseconds. */
const LOOK_MS = 25;

/** Sends a signal to a process group. False where there is no such group, or none of it is this user's. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends a process group, its leader gone or not: SIGTERM, and SIGKILL where something of it is still there after that.
 * @param graceMs between the two.
 */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  if (!signalGroup(group, 'SIGTERM')) return;
  for (const until = performance.now() + graceMs; performance.now() < until; ) {
    await delay(LOOK_MS);
    if (!signalGroup(group, 0)) return;
  }
  signalGroup(group, 'SIGKILL');
}
