import type { GoalState } from '../protocol/goals.ts';
import type { ChatOptions } from './chat.ts';
import { checkPart } from './part-options.ts';
import type { RequestFunction } from './request.ts';

/** Goals that stand for one's sessions, over restarts of the daemon (`wire.md` section 6). */
export interface Goals {
  /**
   * Has a goal stand for a session, in place of an earlier one: a chat of that session that names none goes by it. Resolves
   * once it is kept.
   * @throws {RpcError} `-32602` no check, or one that is too long; `-32020` too many
   */
  set(sessionId: string, goal: NonNullable<ChatOptions['goal']>): Promise<GoalState>;
  /** What stands for a session, and what became of it last; undefined where nothing does. */
  get(sessionId: string): Promise<GoalState | undefined>;
  /** All of one's own. */
  list(): Promise<GoalState[]>;
  /** Forgets one; false where there is none. A turn that runs keeps its own. */
  clear(sessionId: string): Promise<boolean>;
  /** Forgets all of one's own, and gives how many there were. */
  clearAll(): Promise<number>;
}

/** {@link Goals} over a connection's requests. */
export function goalsOver(request: RequestFunction): Goals {
  return {
    set: async (session_id, goal) => {
      checkPart('goals.set', goal);
      const { check, maxIterations: max_iterations } = goal;
      return (await request('goal.set', { session_id, goal: { check, max_iterations } })).goal;
    },
    get: async (session_id) => (await request('goal.status', { session_id })).goal ?? undefined,
    list: async () => (await request('goal.status', {})).goals ?? [],
    clear: async (session_id) => Boolean((await request('goal.clear', { session_id })).cleared),
    clearAll: async () => Number((await request('goal.clear', {})).cleared),
  };
}
