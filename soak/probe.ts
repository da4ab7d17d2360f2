/**
 * Preloaded into the daemon (`node --import`): answers over the IPC channel what only the process itself knows. It ends
 * the process when the soak goes, however that went.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What the daemon says of itself. Bytes, and µs. */
export interface ProbeAnswer {
  rss: number;
  /** Heap and what it holds outside, after a full collection. */
  collected: number;
  /** How late its event loop was since the last answer, the collection apart. */
  loopP99: number;
  loopMax: number;
  cpu: number;
}

/** How often the event loop is looked at, which its delay cannot be told from. Milliseconds. */
const RESOLUTION = 10;
const NS_PER_US = 1_000;

const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
loop.enable();
const late = (ns: number) => Math.max(0, ns / NS_PER_US - RESOLUTION * 1_000);

process.on('message', () => {
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const [loopP99, loopMax] = [late(loop.percentile(99)), late(loop.max)];
  // Twice: what a finalizer or a weak reference let go in the first pass is collected in the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const answer: ProbeAnswer = { rss, collected: heapUsed + external, loopP99, loopMax, cpu: user + system };
  process.send?.(answer);
  setTimeout(() => loop.reset(), RESOLUTION * 2);
});
process.on('disconnect', () => process.exit(0));
