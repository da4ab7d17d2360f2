import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { type EndedStatus, isEnded } from '../../protocol/resume.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { unobserve } from './client-turns.ts';
import { checkTurnLimit } from './methods.ts';
import type { TurnLog } from './resume/turn-log.ts';
import { admitSubscription, answerEnded, checkAfter, type Subscription } from './subscription.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** `agents.chat.subscribe` (`wire.md` section 8). The turn answers: reply, replay and registration are one step of it. */
const subscribeChat: Handler<'agents.chat.subscribe'> = ({ kernel, from, id, params }) => {
  const { turn, log } = find(kernel, from, params);
  const { after, claim } = params;
  checkAfter(log, after);
  const isController = params.role === 'controller';
  if (isController && params.unless_taken && log.key.isTakenFrom(claim)) throw WireError.takenOver();
  const subscription: Subscription = { client: from, id, after, claim, isAnswered: false };
  const ending = turn ? endingOf(turn) : log.ending;
  if (turn?.ref && !ending) {
    if (isController && turn.host !== from) checkTurnLimit(kernel, from);
    if (!isController) checkObserverLimit(kernel, turn, from);
    admitSubscription(kernel, log, subscription, turn);
    tell(kernel.ref, turn.ref, { type: isController ? 'host.joined' : 'observer.joined', subscription });
    // Broken at that, a fault of ours: its burial knows nothing of this request.
    if (!subscription.isAnswered) throw WireError.internal();
  } else {
    admitSubscription(kernel, log, subscription, undefined);
    answerEnded(kernel, log, subscription, ending ?? 'failed');
  }
  kernel.counters.resume(params.role);
  return LATER;
};

/** `agents.chat.unsubscribe`: an observer leaves. To anybody else it says that nothing was to be left. */
const unsubscribeChat: Handler<'agents.chat.unsubscribe'> = ({ kernel, from, params }) => {
  const { session_id, turn_id } = params;
  const turn = kernel.get(TURNS).sessions.live(session_id);
  const isMeant = turn !== undefined && (turn_id === undefined || turn_id === turn.id);
  return { session_id, unsubscribed: isMeant && unobserve(turn, from) };
};

/**
 * How a turn has ended that is not yet buried: its log has the terminal, and does not know what it means.
 * @returns undefined where it is live
 * @throws {WireError} `-32603` where its actor broke: nobody can say, until it is buried
 */
function endingOf({ ref, status }: Turn): EndedStatus | undefined {
  const actor = ref?.getSnapshot();
  if (actor?.status === 'active') return undefined;
  if (actor?.status === 'done' && isEnded(status)) return status;
  throw WireError.internal();
}

/**
 * The turn that is meant, and its log.
 * @throws {WireError} `-32014` where there is none, or none with a log; `-32015` where it is somebody else's.
 */
function find(
  kernel: Kernel,
  from: Client,
  { session_id, turn_id, resume_token }: ParamsOf<'agents.chat.subscribe'>,
): { turn: Turn | undefined; log: TurnLog } {
  const live = kernel.get(TURNS).sessions.live(session_id);
  const turn = live && (turn_id === undefined || turn_id === live.id) ? live : undefined;
  const log = turn ? turn.log : kernel.get(TURNS).logs.find(session_id, turn_id, kernel.clock.now());
  const isAdmitted = log?.key.admits(from, resume_token) || (turn && (turn.host === from || from.role === 'host'));
  if ((turn || log) && !isAdmitted) throw WireError.forbidden('session');
  if (!log) throw WireError.notFound(turn ? 'log: this turn cannot be resumed' : 'session');
  return { turn, log };
}

/** @throws {WireError} `-32020` */
function checkObserverLimit(kernel: Kernel, { observers }: Turn, from: Client): void {
  const limit = kernel.limits.maxObservers;
  if (observers.size >= limit && !observers.has(from)) throw WireError.limitExceeded('max_observers', limit);
}

/** What resuming answers. */
export const resumeMethods: Handlers = {
  'agents.chat.subscribe': subscribeChat,
  'agents.chat.unsubscribe': unsubscribeChat,
};
