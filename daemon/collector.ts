import { setFlagsFromString } from 'node:v8';

/** By how much, in percent, what lives on may grow from one collection of it to the next. */
const HEAP_GROWTH = 10;

/**
 * Has the main thread collect young objects by itself. As Node comes, it shares each collection with the workers of its pool
 * and waits for them; of what a broker makes almost nothing lives on, some kilobytes of sixteen megabytes, so there is
 * nothing to share. What is left is the wait: a tenth of a millisecond at best, and where other processes want the core
 * too as long as they keep it, at which each delta on its way waits with it (`bench/README.md`, "Where the tail comes from").
 *
 * And has it look for what has died among the old sooner than Node would, which lets a small heap grow to four times its size
 * first: long texts go there at once, so 150 chats with a quarter of a megabyte each took 120 MB that nobody needed any more.
 *
 * It holds for the whole process: for the daemon, whose process is its own, and never for an embedder's.
 */
export function collectAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
}
