import * as goals from './goals.ts';
import type { MethodTable } from './method.ts';

/** Goals that stand for a session (`wire.md` section 6). */
export const goalMethods = {
  'goal.set': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 6,
    summary:
      "Sets the standing goal of one of the caller's sessions, in place of an earlier one. Answered once it is kept.",
    params: goals.setGoalParams,
    result: goals.setGoalResult,
    errors: ['LimitExceeded'],
  },
  'goal.status': {
    direction: 'in',
    kind: 'request',
    reads: true,
    role: 'any',
    section: 6,
    summary: "The standing goal of one of the caller's sessions, and what became of it; or all of them.",
    params: goals.goalStatusParams,
    result: goals.goalStatusResult,
    answer: 'large',
  },
  'goal.clear': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    section: 6,
    summary:
      "Forgets the standing goal of one of the caller's sessions, or all of them. A turn that runs keeps its own.",
    params: goals.clearGoalParams,
    result: goals.clearGoalResult,
    errors: ['LimitExceeded'],
  },
} as const satisfies MethodTable;
