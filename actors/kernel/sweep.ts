import type { Kernel } from './kernel.ts';

/** A stale turn is swept within five seconds (`wire.md` section 6): the rest is for a timer that is late. */
const MAX_SWEEP_INTERVAL_MS = 4_000;

/** Has the broker sweep again and again, on the shared timer. */
export function armSweep(kernel: Kernel): void {
  const interval = Math.min(MAX_SWEEP_INTERVAL_MS, Math.max(20, kernel.limits.staleAfterMs / 4));
  kernel.deadlines.arm(interval, () => {
    kernel.ref.send({ type: 'sweep' });
    armSweep(kernel);
  });
}
