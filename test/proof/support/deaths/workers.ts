import { readFileSync } from 'node:fs';
import type { Daemon } from '../../../e2e/support/daemon.ts';
import { untilSo } from '../death-scene.ts';

/** The processes that run under a supervisor, once there are as many as there are to be. */
export async function workerPids({ program }: Daemon, count: number): Promise<number[]> {
  const pid = program.child.pid as number;
  const read = () =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  // One that was killed a moment ago is a child until its end has been read.
  const isAlive = (child: number) => !/^State:\tZ/m.test(statusOf(child));
  await untilSo(() => read().filter(isAlive).length === count);
  return read().filter(isAlive);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State:\tZ';
  }
}
