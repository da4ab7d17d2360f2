import type { Fleet } from '../load/fleet.ts';
import { Pace } from '../load/pace.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import { runStream, type StreamResult } from '../load/stream-run.ts';
import type { Sizes } from '../sizes.ts';
import { quantile } from '../stats.ts';
import type { Target } from '../targets/target.ts';
import { flood, HUNDRED } from './flooding.ts';

/** One way of streaming: what, and in which rhythm. */
export interface Way {
  plan(sizes: Sizes): Plan;
  run(target: Target, fleet: Fleet, plan: Plan): Promise<StreamResult>;
}

/** As fast as the target takes it. */
export const flooding = (plan: Way['plan']): Way => ({ plan, run: flood });

/** 100 turns, so many deltas a second in all. */
export function pacing(perSecond: number): Way {
  return {
    plan: ({ pacedSeconds }) =>
      makePlan({ ...HUNDRED, deltas: Math.round((perSecond * pacedSeconds) / HUNDRED.turns) }),
    run: async (target, fleet, plan) => {
      const pace = new Pace(fleet, plan, perSecond);
      const result = await runStream(target, fleet, plan, pace);
      const { latencies, maxLagMs } = pace;
      return { ...result, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), maxLagMs };
    },
  };
}
