import { metric } from '../kernel/metric.ts';
import type { Family } from '../requests/family.ts';
import { STANDING_GOALS } from '../turns/standing-goal.ts';
import { type GoalStore, memoryGoalStore } from './goal-store.ts';
import { GOALS, Goals } from './goals.ts';
import { goalMethods } from './methods.ts';

/** Goals that stand for sessions (`wire.md` section 6). */
export const goals: Family<{ goalStore?: GoalStore | undefined }> = {
  name: 'goals',
  install(kernel, options) {
    const book = kernel.put(GOALS, new Goals(kernel, options.goalStore ?? memoryGoalStore()));
    kernel.put(STANDING_GOALS, (sessionKey) => book.follow(sessionKey));
    return {
      methods: goalMethods,
      metrics: [metric('gauge', 'goals', 'Goals that stand for sessions.', () => book.size)],
      // All turns have ended by then.
      drain: () => book.flush(),
      answered: () => (book.kept ? [book.kept] : []),
    };
  },
};
