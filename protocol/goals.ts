import { z } from 'zod';
import { listing, longText, nameText, truncated } from './bounds.ts';
import { goal } from './chat.ts';
import { sessionId } from './ids.ts';
import { moment } from './moment.ts';

/** Longest check of a standing goal, in characters. */
export const MAX_STANDING_CHECK = 16_384;

/** A condition that stands for a session: see `goal` of `agents.chat`. */
const standingGoal = goal.extend({ check: z.string().trim().min(1).max(MAX_STANDING_CHECK) });

export const setGoalParams = z
  .object({
    session_id: sessionId,
    goal: standingGoal.optional(),
    check: standingGoal.shape.check.optional().meta({ description: 'in place of `goal`, which comes first' }),
    max_iterations: standingGoal.shape.max_iterations,
  })
  .refine(({ goal: whole, check }) => whole !== undefined || check !== undefined, {
    path: ['goal'],
    error: 'goal or check is needed',
  });

/** How a standing goal fares. */
export const goalStatus = z.enum(['active', 'running', 'met', 'unevaluated', 'error']);

/** A standing goal, and what became of it last. */
export const goalState = z.object({
  session_id: sessionId,
  check: z.string().max(MAX_STANDING_CHECK),
  max_iterations: z.number(),
  status: goalStatus,
  last_iteration: z.number().optional(),
  last_met: z.boolean().optional(),
  last_grounded: z.boolean().optional(),
  last_reason: longText().optional(),
  terminal_kind: nameText().optional().meta({ description: '`done`, `error` or `auth_required`' }),
  terminal_message: longText().optional(),
  updated_at: moment().meta({ description: 'RFC 3339' }),
});
/** See {@link goalState}. */
export type GoalState = z.infer<typeof goalState>;

export const setGoalResult = z.object({ set: z.literal(true), goal: goalState });

export const goalStatusParams = z.object({ session_id: sessionId.optional() });
export const goalStatusResult = z.object({
  session_id: sessionId.optional(),
  goal: goalState
    .nullable()
    .optional()
    .meta({ description: "that session's, where one was named; `null` where it has none" }),
  goals: listing(goalState).optional().meta({ description: 'all of the caller’s, where none was named' }),
  truncated,
});

export const clearGoalParams = z.object({ session_id: sessionId.optional() });
export const clearGoalResult = z.object({
  cleared: z
    .union([z.boolean(), z.number()])
    .meta({ description: 'whether there was one; where no session was named, how many there were' }),
  session_id: sessionId.optional(),
});
