import { type LinkClock, systemLinkClock } from '../../link/clock.ts';
import { systemClock } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** With a clock of a test's links go by that too. Otherwise by plain timers: they see for themselves when they were away. */
export function linkClockOf({ clock }: Kernel): LinkClock {
  if (clock === systemClock) return systemLinkClock;
  return {
    now: () => clock.now(),
    setTimeout: (run, ms) => clock.setTimeout(run, ms),
    clearTimeout: (timer) => {
      if (timer !== undefined) clock.clearTimeout(timer);
    },
    nextTick: (run) => process.nextTick(run),
  };
}
