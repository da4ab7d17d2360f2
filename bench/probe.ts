/**
 * Preloaded into every measured process (`node --import`): answers, over the IPC channel, what the process costs. It does
 * nothing until it is asked, and ends the process when the benchmark goes, however that went.
 */

/** What is asked of a measured process. */
export type ProbeRequest = 'memory' | 'cpu';

/** What it has after a full collection, in bytes, or what it has used, in µs of CPU over all its threads. */
export interface ProbeAnswer {
  memory?: NodeJS.MemoryUsage;
  cpuUs?: number;
}

process.on('message', (request: ProbeRequest) => {
  if (request === 'memory') {
    // Twice: what a finalizer or a weak reference let go in the first pass is collected in the second.
    globalThis.gc?.();
    globalThis.gc?.();
    answer({ memory: process.memoryUsage() });
  } else {
    const { user, system } = process.cpuUsage();
    answer({ cpuUs: user + system });
  }
});
process.on('disconnect', () => process.exit(0));

function answer(message: ProbeAnswer): void {
  process.send?.(message);
}
