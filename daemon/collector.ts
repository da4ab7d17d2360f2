import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** By how much, in percent, what lives on may grow from one collection of it to the next. */
const HEAP_GROWTH = 10;

/** From so many bytes on, of both of its halves, the space of young objects grows no more: what `npm start` lets it have. */
const YOUNG_BYTES = 16 * 1024 * 1024;
/** Whether whoever started the process has said how large a half may be: it is as they say then. */
const SAID = /--max[-_]semi[-_]space[-_]size/;

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

/**
 * Has young objects take no more room than they are given by `npm start`, however the daemon was started. Node allows them 128 MB
 * from version 24 on, all of which fills with garbage before it is looked through. How large the space may become is settled
 * when a process begins; by how much it grows at a time is not, and by a factor of one it does not. It is asked for after each
 * collection, since it shrinks where little happens, and has to be able to grow again.
 */
export function keepYoungSmall(): void {
  if ([...process.execArgv, process.env.NODE_OPTIONS].some((option) => option && SAID.test(option))) return;
  let factor = 0;
  const look = () => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    const fitting = young && young.space_size >= YOUNG_BYTES ? 1 : 2;
    if (fitting === factor) return;
    factor = fitting;
    setFlagsFromString(`--semi-space-growth-factor=${factor}`);
  };
  new PerformanceObserver(look).observe({ type: 'gc' });
  look();
}
