import { readFileSync, statSync } from 'node:fs';
import { isSystemError } from './errors.ts';

/** A process, told apart from a later one that was given the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in clock ticks since boot; `null` where the system has no `/proc`. */
  start: string | null;
}

/** The process that runs this code. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, start: procStat(process.pid)?.start ?? null };
}

/**
 * Whether exactly that process still lives. Our own pid says no: we did not write what we are reading, so it is left
 * over from an earlier process of that pid (in a container every daemon may be pid 1).
 */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  if (pid === process.pid || !answersSignals(pid)) return false;
  const found = procStat(pid);
  if (found === undefined) return true;
  return !found.ended && (start === null || start === found.start) && isOurs(pid);
}

/** Whoever else has a process of that number by now has not written to our files. */
function isOurs(pid: number): boolean {
  const owner = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  return owner === undefined || owner === process.getuid?.();
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return isSystemError(error) && error.code === 'EPERM';
  }
}

/** What `/proc/<pid>/stat` says (proc(5)); `undefined` without `/proc`, or where it is closed to us. */
function procStat(pid: number): { start: string; ended: boolean } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // Field 2 is the command in parentheses and may hold anything, so count from its end: there field 3 comes first.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const start = fields[22 - 3];
  return start === undefined ? undefined : { start, ended: fields[0] === 'Z' || fields[0] === 'X' };
}
