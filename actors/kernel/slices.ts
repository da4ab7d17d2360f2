import type { Kernel } from './kernel.ts';

/** So long one slice takes. Milliseconds. */
const SLICE_MS = 5;
/** And so many it does at least: a few make no slices. */
const SLICE_STEPS = 16;

/**
 * Does something for each, a slice in each turn of the event loop: whatever else there is has its turn in between. The first
 * slice, and where that is all `done` too, before this returns. One that throws, a fault of ours, stops none of the others.
 * @param what - they are, for the log
 * @param items - what is added while they are done is done as well
 * @param least - so many a slice does at least
 */
export function inSlices<T>(
  kernel: Kernel,
  what: string,
  items: Iterable<T>,
  each: (item: T) => void,
  done: () => void = () => {},
  least = SLICE_STEPS,
): void {
  const rest = items[Symbol.iterator]();
  let next = rest.next();
  const step = () => {
    const since = performance.now();
    for (let steps = 1; !next.done; steps += 1) {
      const { value } = next;
      kernel.attempt(what, () => each(value));
      next = rest.next();
      if (next.done || steps < least || performance.now() - since < SLICE_MS) continue;
      setImmediate(step);
      return;
    }
    kernel.attempt(what, done);
  };
  step();
}
