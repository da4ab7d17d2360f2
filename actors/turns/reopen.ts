import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import { Sealed } from '../../protocol/sealed.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { checkTurnLimit, turnsOf } from './client-turns.ts';
import { endingOf } from './find-turn.ts';
import type { QueuedChat } from './sessions.ts';
import { admitSubscription, answerEnded, type Subscription } from './subscription.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/**
 * Whether a chat was opened before, by whoever chose this token: then that one is answered for this request, too, and its
 * sender is its host from now on (`wire.md` section 6, 3).
 * @param id - of the request; the chat's only asker is whoever sent it
 * @throws {WireError} `-32602` where the token was chosen for another chat; `-32020`
 */
export function isReopened(kernel: Kernel, chat: QueuedChat, id: RpcId | undefined): boolean {
  const { from, sessionKey, opening, params } = chat;
  const { resume_token: token } = params;
  if (!opening || token === undefined) return false;
  const { sessions, logs } = kernel.get(TURNS);
  const subscription: Subscription = {
    client: from,
    id,
    after: 0,
    claim: undefined,
    trace: chat.trace,
    isAnswered: false,
    opens: new Sealed({ resume_token: token }),
  };
  const live = sessions.live(sessionKey);
  if (live?.opening?.has(token)) {
    live.opening.check(params);
    if (live.status === 'refused') waitForBurial(kernel, chat);
    else joinTurn(kernel, live, subscription);
    return true;
  }
  const waiting = sessions.waiting(sessionKey).find((other) => other.opening?.has(token));
  if (waiting) {
    waiting.opening?.check(params);
    joinWaiting(kernel, waiting, subscription);
    return true;
  }
  const log = logs.opened(sessionKey, opening, kernel.clock.now());
  if (!log) return false;
  log.opening?.check(params);
  admitSubscription(kernel, log, subscription, undefined);
  answerEnded(kernel, log, subscription, log.ending ?? 'failed');
  return true;
}

function joinTurn(kernel: Kernel, turn: Turn, subscription: Subscription): void {
  const { client } = subscription;
  const { log, ref } = turn;
  const ending = endingOf(turn);
  if (log && ending) {
    admitSubscription(kernel, log, subscription, undefined);
    answerEnded(kernel, log, subscription, ending);
    return;
  }
  if (turn.host !== client) checkTurnLimit(kernel, client);
  if (log) admitSubscription(kernel, log, subscription, turn);
  else checkAskers(kernel, turn.askers.length);
  if (ref) tell(kernel.ref, ref, { type: 'host.joined', subscription });
  // Before the ack all are answered together. Broken at that, a fault of ours: its burial knows nothing of this request.
  if (log && !subscription.isAnswered) throw WireError.internal();
}

/** The chat is in a queue: from now on it is this client's, and whoever asked before hears what becomes of it, too. */
function joinWaiting(kernel: Kernel, chat: QueuedChat, { client, id }: Subscription): void {
  checkAskers(kernel, chat.askers.length);
  if (chat.from !== client) checkTurnLimit(kernel, client);
  turnsOf(chat.from).queued.delete(chat);
  turnsOf(client).queued.add(chat);
  chat.from = client;
  chat.askers.push({ client, id, isRepeated: true });
}

/**
 * A connection is gone whose chat is in a queue: it is that of whoever has asked before, and is there still.
 * @returns whether there is somebody
 */
export function leaveWaiting(chat: QueuedChat): boolean {
  const next = chat.askers.findLast(({ client }) => client.isOpen && client !== chat.from);
  if (!next) return false;
  turnsOf(chat.from).queued.delete(chat);
  turnsOf(next.client).queued.add(chat);
  chat.from = next.client;
  return true;
}

/** The first was refused a moment ago, and nothing of it is left: this one is a new chat, as soon as that is buried. */
function waitForBurial(kernel: Kernel, chat: QueuedChat): void {
  checkTurnLimit(kernel, chat.from);
  kernel.shared.demandChat(chat.accounts, true);
  chat.release = kernel.held.hold(chat.from, chat.params);
  kernel.get(TURNS).sessions.enqueue(chat, 'front');
}

/** @throws {WireError} `-32020` */
function checkAskers(kernel: Kernel, count: number): void {
  const limit = kernel.limits.maxQueuedPerSession;
  if (count >= limit) throw WireError.limitExceeded('max_queued_per_session', limit);
}
