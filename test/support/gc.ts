import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Each lets go of what the one before has made unreachable: weak references, finalizers, what a job kept until its end. */
const ROUNDS = 4;

/** Collects garbage, again and again, with turns of the event loop between: finalizers and weak references are settled. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    collect();
    await nextTurn();
  }
  collect();
}

/** Bytes of the heap that are in use once everything unused has gone. */
export async function heapInUse(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().heapUsed;
}
