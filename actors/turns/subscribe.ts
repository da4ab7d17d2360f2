import { WireError } from '../../protocol/errors.ts';
import { isGuest } from '../../protocol/link.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { observes } from '../kernel/sight.ts';
import { tell } from '../kernel/tell.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { reply } from '../requests/reply.ts';
import { checkTurnLimit, unobserve } from './client-turns.ts';
import { endedLog, endingOf, liveTurn, sessionNames } from './find-turn.ts';
import { afterRecovery, carryOut } from './held-calls.ts';
import type { TurnLog } from './resume/turn-log.ts';
import {
  admitSubscription,
  answerEnded,
  checkAfter,
  lateTerminal,
  SAME_HOST,
  type Subscription,
} from './subscription.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** `agents.chat.subscribe` (`wire.md` section 8). The turn answers: reply, replay and registration are one step of it. */
const subscribeChat: Handler<'agents.chat.subscribe'> = (call) => {
  const { kernel, from, id, params, trace } = call;
  if (call.looks) {
    reply(kernel, from, id, { result: look(kernel, from, params) });
    return LATER;
  }
  const { turn, log } = find(kernel, from, params);
  if (waitsForDisk(kernel, log)) return waitForDisk(call, log);
  const { after } = params;
  // What brokers say among themselves no client says.
  const isInside = isGuest(from.link) || (id !== undefined && from.captured.has(id));
  const claim = params.claim === SAME_HOST && !isInside ? undefined : params.claim;
  const ending = turn ? endingOf(turn) : log.ending;
  checkAfter(log, after, ending ? lateTerminal(log, after) !== undefined : turn?.resumes === true);
  const isController = params.role === 'controller';
  if (isController && params.unless_taken && log.key.isTakenFrom(claim)) throw WireError.takenOver();
  const subscription: Subscription = { client: from, id, after, claim, trace, isAnswered: false };
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

/** Which turn a broker has that a client means. */
export interface SeenTurn {
  readonly turn_id: string;
  /** `orphaned`: its agent is away, and may come back elsewhere. */
  readonly is: 'live' | 'orphaned' | 'ended';
}

/** Says which turn is meant, of those that exist for the client; who may take it up is looked at when it does. */
function look(kernel: Kernel, from: Client, { session_id, turn_id }: ParamsOf<'agents.chat.subscribe'>): SeenTurn {
  const live = liveTurn(kernel, from, session_id);
  if (live && (turn_id === undefined || turn_id === live.id))
    return { turn_id: live.id, is: live.speaker ? 'live' : 'orphaned' };
  const log = endedLog(kernel, from, session_id, turn_id);
  if (!log) throw WireError.notFound('session');
  return { turn_id: log.turnId, is: 'ended' };
}

/** Whether a turn has ended by the broker's word, and that is not certain yet to outlive it: nobody is told of it. */
function waitsForDisk(kernel: Kernel, { kept, terminal }: TurnLog): boolean {
  if (kept?.journal.level !== 'disk' || terminal === undefined || kept.isSettled) return false;
  return kernel.get(TURNS).journal?.state === 'ok';
}

/** Carries the request out when it is. */
function waitForDisk(call: Parameters<typeof subscribeChat>[0], { kept }: TurnLog): typeof LATER {
  const { kernel, from, params } = call;
  const letGo = kernel.held.hold(from, params);
  kernel.get(TURNS).journalWaits?.run(kept?.position ?? 0, () => {
    letGo();
    carryOut(call, 'agents.chat.subscribe', subscribeChat);
  });
  return LATER;
}

/** `agents.chat.unsubscribe`: an observer leaves. To anybody else it says that nothing was to be left. */
const unsubscribeChat: Handler<'agents.chat.unsubscribe'> = ({ kernel, from, params }) => {
  const { session_id, turn_id } = params;
  const turn = liveTurn(kernel, from, session_id);
  const isMeant = turn !== undefined && (turn_id === undefined || turn_id === turn.id);
  return { session_id, unsubscribed: isMeant && unobserve(turn, from) };
};

/**
 * The turn that is meant, and its log.
 * @throws {WireError} `-32014` where there is none, or none with a log; `-32015` where it is somebody else's.
 */
function find(
  kernel: Kernel,
  from: Client,
  { session_id, turn_id, resume_token, role }: ParamsOf<'agents.chat.subscribe'>,
): { turn: Turn | undefined; log: TurnLog } {
  const live = liveTurn(kernel, from, session_id);
  const turn = live && (turn_id === undefined || turn_id === live.id) ? live : undefined;
  const log = turn ? turn.log : endedLog(kernel, from, session_id, turn_id);
  const isWatcher = role === 'observer' && observes(from);
  const isAdmitted =
    isWatcher ||
    log?.key.admits(from, resume_token) ||
    (log && kernel.get(TURNS).tickets?.isPass(log.turnId, resume_token)) ||
    (turn && (turn.host === from || from.role === 'host'));
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
  'agents.chat.subscribe': afterRecovery('agents.chat.subscribe', subscribeChat, sessionNames),
  'agents.chat.unsubscribe': unsubscribeChat,
};
