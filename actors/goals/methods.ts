import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { checkPending, onceKept } from '../requests/once-kept.ts';
import { reply } from '../requests/reply.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { GOALS } from './goals.ts';

/** `goal.set` (`wire.md` section 6). */
const set: Handler<'goal.set'> = (call) => {
  const { kernel, from, params } = call;
  const { session_id: sessionId, check = '', max_iterations } = params;
  checkPending(call);
  const goals = kernel.get(GOALS);
  const goal = goals.set(from.principal, sessionId, params.goal ?? { check, max_iterations });
  return onceKept(call, 'goal.set', goals.kept, undefined, () => ({ result: { set: true, goal } }));
};

/** `goal.status` (`wire.md` section 6). */
const status: Handler<'goal.status'> = (call) => {
  const { kernel, from, id, params } = call;
  const { session_id } = params;
  const goals = kernel.get(GOALS);
  if (session_id === undefined) return replyRows(call, goals.all(from.principal), { as: 'goals' });
  reply(kernel, from, id, { result: { session_id, goal: goals.of(from.principal, session_id) ?? null } });
  return LATER;
};

/** `goal.clear` (`wire.md` section 6). */
const clear: Handler<'goal.clear'> = (call) => {
  const { kernel, from, params } = call;
  const { session_id } = params;
  checkPending(call);
  const goals = kernel.get(GOALS);
  const result =
    session_id === undefined
      ? { cleared: goals.clearAll(from.principal) }
      : { cleared: goals.clear(from.principal, session_id), session_id };
  return onceKept(call, 'goal.clear', goals.kept, undefined, () => ({ result }));
};

/** What goals answer. */
export const goalMethods: Handlers = {
  'goal.set': set,
  'goal.status': status,
  'goal.clear': clear,
};
