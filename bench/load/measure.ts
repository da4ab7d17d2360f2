import { cpuTime } from '../targets/cpu-time.ts';
import type { Target } from '../targets/target.ts';

/** What something cost, from its first byte to its last. */
export interface Cost {
  wallMs: number;
  /** CPU of the measured process, all its threads, in µs. */
  cpuUs: number;
  /** The share of the time that the measured process was on a core: near 1, it was the bottleneck. */
  targetBusy: number;
  /** The same of the load. Where this one is near 1, the load was the bottleneck, and the wall clock says nothing. */
  loadBusy: number;
  /**
   * The share of the time that one of the two wanted to run and another process had its core, whichever waited more. Much
   * of it, and the wall clock and every latency say more about the machine than about the target. NaN: not known here.
   */
  waited: number;
}

/** Measures what some work costs a target. */
export async function measure(target: Target, work: () => Promise<void>): Promise<Cost> {
  const before = await target.cpu();
  const [own, ownWaited] = [process.cpuUsage(), waitedUs()];
  const start = performance.now();
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(own);
  const loadWaited = waitedUs() - ownWaited;
  const after = await target.cpu();
  const cpuUs = after.usedUs - before.usedUs;
  const shareOf = (us: number) => us / (wallMs * 1000);
  const [targetBusy, loadBusy] = [shareOf(cpuUs), shareOf(user + system)];
  // A main thread also waits for its own process's collector and compiler: what the process used was not taken from it.
  const lost = (waited: number, busy: number) => Math.min(waited, Math.max(0, 1 - busy));
  const waited = Math.max(
    lost(shareOf(after.waitedUs - before.waitedUs), targetBusy),
    lost(shareOf(loadWaited), loadBusy),
  );
  return { wallMs, cpuUs, targetBusy, loadBusy, waited };
}

function waitedUs(): number {
  return cpuTime(process.pid)?.waitedUs ?? Number.NaN;
}
