import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { BrokerState } from '../broker-state.ts';
import type { Client } from '../client.ts';
import { type Handler, LATER } from '../dispatcher.ts';
import { answerEnded, checkAfter, type Subscription } from '../subscription.ts';
import { tell } from '../tell.ts';
import type { TurnLog } from '../turn-log.ts';
import type { Turn } from '../turn-record.ts';
import { checkTurnLimit } from './chat.ts';

/** `agents.chat.subscribe` (`wire.md` section 8). The turn answers: reply, replay and registration are one step of it. */
export const subscribeChat: Handler<'agents.chat.subscribe'> = ({ state, from, id, params }) => {
  const { turn, log } = find(state, from, params);
  checkAfter(log, params.after);
  const subscription: Subscription = { client: from, id, after: params.after, isAnswered: false };
  const ref = turn?.ref;
  // Ended, perhaps, and not yet buried: its log has the terminal already.
  if (!turn || !ref || ref.getSnapshot().status !== 'active') answerEnded(state, log, subscription);
  else {
    const isController = params.role === 'controller';
    if (isController && turn.host !== from) checkTurnLimit(state, from);
    if (!isController) checkObserverLimit(state, log, from);
    tell(state.ref, ref, { type: isController ? 'host.joined' : 'observer.joined', subscription });
    // Broken at that, a fault of ours: its burial knows nothing of this request.
    if (!subscription.isAnswered) throw WireError.internal();
  }
  state.counters.resume(params.role);
  return LATER;
};

/**
 * The turn that is meant, and its log.
 * @throws {WireError} `-32014` where there is none, or none with a log; `-32015` where it is somebody else's.
 */
function find(
  state: BrokerState,
  from: Client,
  { session_id, turn_id, resume_token }: ParamsOf<'agents.chat.subscribe'>,
): { turn: Turn | undefined; log: TurnLog } {
  const live = state.sessions.live(session_id);
  const turn = live && (turn_id === undefined || turn_id === live.id) ? live : undefined;
  const log = turn ? turn.log : state.logs.find(session_id, turn_id, state.clock.now());
  const isAdmitted = log?.admits(from, resume_token) || (turn && (turn.host === from || from.role === 'host'));
  if ((turn || log) && !isAdmitted) throw WireError.forbidden('session');
  if (!log) throw WireError.notFound(turn ? 'log: this turn cannot be resumed' : 'session');
  return { turn, log };
}

/** @throws {WireError} `-32020` */
function checkObserverLimit(state: BrokerState, { observers }: TurnLog, from: Client): void {
  const limit = state.limits.maxObservers;
  if (observers.size >= limit && !observers.has(from)) throw WireError.limitExceeded('max_observers', limit);
}
