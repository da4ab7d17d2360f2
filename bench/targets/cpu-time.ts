import { readdirSync, readFileSync } from 'node:fs';

/** What the scheduler knows of a process, in µs. */
export interface CpuTime {
  /** On a core, over all threads. */
  usedUs: number;
  /** How long its main thread could have run, and another thread had the core. */
  waitedUs: number;
}

/**
 * What a process has used so far, from the scheduler's own count in nanoseconds: reading it costs the measured process
 * nothing. Undefined where the system keeps no such count.
 */
export function cpuTime(pid: number): CpuTime | undefined {
  const read = (thread: string | number) => {
    const [used = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ').map(Number);
    return { used, waited };
  };
  try {
    const used = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + read(thread).used, 0);
    // All zero: the file is there, the statistics are switched off.
    return used > 0 ? { usedUs: used / 1000, waitedUs: read(pid).waited / 1000 } : undefined;
  } catch {
    return undefined;
  }
}
