/** Work of others has its turn after so long. Milliseconds. */
const SLICE_MS = 5;

/** Takes everything that comes of some work, which is done in slices of the event loop. Rejects with what it throws. */
export async function inSteps<T>(work: Iterator<T>): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const since = performance.now();
    do {
      const { done, value } = work.next();
      if (done) return all;
      all.push(value);
    } while (performance.now() - since < SLICE_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
