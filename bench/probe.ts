/**
 * Preloaded into every measured process (`node --import`): answers, over the IPC channel, what the process costs. It does
 * nothing until it is asked, and ends the process when the benchmark goes, however that went.
 */

import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** What is asked of a measured process. */
export type ProbeRequest = 'memory' | 'cpu' | 'collections';

/**
 * What it has after a full collection, in bytes, what it has used, in µs of CPU over all its threads, or how its collections
 * went since that was last asked.
 */
export interface ProbeAnswer {
  memory?: NodeJS.MemoryUsage;
  cpuUs?: number;
  collections?: Collections;
}

/** Collections, of young objects and of all: how many, how long they stopped the main thread together, and at worst. */
export interface Collections {
  count: number;
  ms: number;
  longestMs: number;
}

let observer: PerformanceObserver | undefined;
let collections: Collections = { count: 0, ms: 0, longestMs: 0 };

// What is none of these is between a supervisor and its workers: an answer to that would be part of what is measured.
process.on('message', (request: unknown) => {
  if (request === 'memory') {
    // Twice: what a finalizer or a weak reference let go in the first pass is collected in the second.
    globalThis.gc?.();
    globalThis.gc?.();
    answer({ memory: process.memoryUsage() });
  } else if (request === 'collections') answer({ collections: takeCollections() });
  else if (request === 'cpu') {
    const { user, system } = process.cpuUsage();
    answer({ cpuUs: user + system });
  }
});
process.on('disconnect', () => process.exit(0));

function answer(message: ProbeAnswer): void {
  process.send?.(message);
}

/** From the first call on they are counted. */
function takeCollections(): Collections {
  if (!observer) {
    observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({ entryTypes: ['gc'] });
  }
  add(observer.takeRecords());
  const taken = collections;
  collections = { count: 0, ms: 0, longestMs: 0 };
  return taken;
}

function add(entries: readonly PerformanceEntry[]): void {
  for (const { duration } of entries) {
    collections.count += 1;
    collections.ms += duration;
    collections.longestMs = Math.max(collections.longestMs, duration);
  }
}
