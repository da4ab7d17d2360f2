import { readFileSync } from 'node:fs';
import type { Daemon } from '../../../e2e/support/daemon.ts';
import { untilSo } from '../death-scene.ts';

/** The processes that run under a supervisor, once there are as many as there are to be. */
export async function workerPids({ program }: Daemon, count: number): Promise<number[]> {
  const pid = program.child.pid as number;
  const read = () =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  await untilSo(() => read().length === count);
  return read();
}
