import { execFileSync } from 'node:child_process';

/** The cores that the two sides are pinned to; undefined where that is not possible here. */
export interface Cores {
  target: number;
  load: number;
}

/** Finds a core for the measured processes and another for the load, among those that this process may use. */
export function chooseCores(): Cores | undefined {
  const allowed = allowedCores();
  const [load, target] = [allowed.at(-1), allowed.at(-2)];
  return load === undefined || target === undefined ? undefined : { target, load };
}

/** Pins this process, with all its threads. */
export function pinSelf({ load }: Cores): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(load), String(process.pid)], { stdio: 'ignore' });
}

/** A command that runs pinned. `taskset` becomes the command, so the process id stays the child's. */
export function pinned(cores: Cores | undefined, command: readonly string[]): string[] {
  return cores ? ['taskset', '-c', String(cores.target), ...command] : [...command];
}

function allowedCores(): number[] {
  let text: string;
  try {
    text = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return [];
  }
  // "pid 7's current affinity list: 0,2-3"
  const list = text.slice(text.lastIndexOf(':') + 1).trim();
  return list.split(',').flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
