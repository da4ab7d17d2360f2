import { v4 as uuid } from 'uuid';
import type { SessionRow, TurnStatus } from '../../protocol/chat.ts';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import { traceId } from '../../protocol/trace.ts';
import { atBroker } from '../kernel/at-broker.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId, idFor } from '../kernel/session-name.ts';
import { attachedFor, observes, sees } from '../kernel/sight.ts';
import { tell } from '../kernel/tell.ts';
import { type Call, type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { reply } from '../requests/reply.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { sortedTools } from '../tools/client-tools.ts';
import type { Claimed } from './claims.ts';
import { checkTurnLimit, turnsOf } from './client-turns.ts';
import { chatElsewhere } from './elsewhere.ts';
import { liveTurn, sessionNames } from './find-turn.ts';
import { afterRecovery, carryOut } from './held-calls.ts';
import { openTurn } from './lifecycle.ts';
import { isReopened } from './reopen.ts';
import { Opening } from './resume/opening.ts';
import type { QueuedChat } from './sessions.ts';
import type { Turn } from './turn-record.ts';
import { TurnSpans } from './turn-spans.ts';
import { TURNS } from './turns.ts';
import {
  brokerFor,
  cancelWaiting,
  isThere,
  releaseIfFree,
  replaceWaiting,
  startNext,
  waitingChat,
} from './waiting-chats.ts';

/** `agents.chat` (`wire.md` section 6). */
const chat: Handler<'agents.chat'> = ({ kernel, from, id, params, trace }) => {
  const sessionId = params.session_id ?? `chat-${uuid()}`;
  const sessionKey = agentSessionId(from.principal, sessionId);
  const { accounts } = from;
  const opening = Opening.of(params, kernel.limits);
  const askers = [{ client: from, id, isRepeated: false }];
  const request: QueuedChat = { from, askers, sessionId, sessionKey, params, opening, accounts, trace };
  if (isReopened(kernel, request, id)) return LATER;
  const { ended } = kernel.get(TURNS);
  if (!opening || !ended?.finds.mayHave(from, params.agent_id)) return claimAndStart(kernel, request, id);
  // Its turn may have ended at a broker that is gone, or that its agent has left.
  const letGo = kernel.held.hold(from, params);
  ended.finds.findOpening(from, sessionKey, opening.tokenHash, (isHere) => {
    letGo();
    carryOut({ kernel, from, id, params, trace }, 'agents.chat', () =>
      isHere && isReopened(kernel, request, id) ? LATER : claimAndStart(kernel, request, id),
    );
  });
  return LATER;
};

/** Starts a turn once its session is this broker's, where there are several. @throws {WireError} where it is refused at once */
function claimAndStart(kernel: Kernel, request: QueuedChat, id: RpcId | undefined): typeof LATER {
  const { from, sessionKey, params, opening, trace } = request;
  const { claims, sessions } = kernel.get(TURNS);
  const opened = opening && claims?.elsewhere.find(sessionKey, opening.tokenHash, kernel.clock.now());
  if (opened !== undefined) throw chatElsewhere(opened);
  const isNew = claims && params.session_id !== undefined && !claims.holds(sessionKey);
  if (!isNew || sessions.live(sessionKey) || sessions.next(sessionKey)) return start(kernel, request);
  // What is wrong with it is said at once: it would only be claimed to be let go of.
  checkThere(kernel, request);
  claims.claim(sessionKey, opening?.tokenHash, (claimed) => {
    if (claimed.is === 'ours')
      carryOut({ kernel, from, id, params, trace }, 'agents.chat', () => start(kernel, request));
    else reply(kernel, from, id, { error: notOurs(claimed, params) });
    releaseIfFree(kernel, sessionKey);
  });
  return LATER;
}

/** @throws {WireError} where nobody could carry it out here */
function checkThere(kernel: Kernel, { from, params }: QueuedChat): void {
  const { agent_id: agentId } = params;
  if (attachedFor(kernel, from, agentId)) return;
  const broker = brokerFor(kernel, { from, params });
  if (broker !== undefined) throw chatElsewhere(broker);
  if (!isThere(kernel, from, agentId)) throw WireError.agentNotAttached(agentId);
}

/** Its session is another broker's, which has a live turn in it, or the turn that was opened with the same token. */
function notOurs(claimed: Exclude<Claimed, { is: 'ours' }>, { on_busy }: QueuedChat['params']): WireError {
  if (claimed.is === 'unreachable') return claimed.error;
  return claimed.isBusy && on_busy === 'reject' ? WireError.sessionBusy() : chatElsewhere(claimed.broker);
}

function start(kernel: Kernel, request: QueuedChat): typeof LATER {
  request.spans = TurnSpans.of(kernel, request);
  try {
    return begin(kernel, request);
  } catch (error) {
    request.spans?.refused(error);
    throw error;
  }
}

/** Starts a turn, or has it wait. @throws {WireError} where it is refused */
function begin(kernel: Kernel, request: QueuedChat): typeof LATER {
  const { from, sessionKey, params, accounts } = request;
  const { sessions } = kernel.get(TURNS);
  const live = sessions.live(sessionKey);
  /** Without a live turn: it waits for its agent. */
  const first = sessions.next(sessionKey);
  const isElsewhere = brokerFor(kernel, request) !== undefined;
  // What is behind a turn of this broker's waits here, wherever its agent is.
  if (!isElsewhere || (!live && !first)) checkThere(kernel, request);
  const isAttached = isElsewhere || attachedFor(kernel, from, params.agent_id) !== undefined;
  if (!live && !first) {
    checkTurnLimit(kernel, from);
    kernel.shared.demandChat(accounts, true);
    if (isAttached) openTurn(kernel, request);
    else {
      request.release = kernel.held.hold(from, params);
      sessions.enqueue(request, 'back');
      startNext(kernel, sessionKey);
    }
    return LATER;
  }
  if (params.on_busy === 'reject') throw WireError.sessionBusy();
  if ((live ? live.host : first?.from) !== from) throw WireError.forbidden('session');
  admitWaiting(kernel, request);
  if (params.on_busy === 'queue') {
    const limit = kernel.limits.maxQueuedPerSession;
    if (sessions.waiting(sessionKey).length >= limit) throw WireError.limitExceeded('max_queued_per_session', limit);
    checkTurnLimit(kernel, from);
    kernel.shared.demandChat(accounts, true);
    request.release = kernel.held.hold(from, params);
    sessions.enqueue(request, 'back');
    return LATER;
  }
  // Nothing is given up for an agent that may not come back.
  if (!isAttached) throw WireError.agentNotAttached(params.agent_id);
  kernel.shared.demandChat(accounts, false);
  request.release = kernel.held.hold(from, params);
  if (!live && first) {
    replaceWaiting(kernel, first, request);
    return LATER;
  }
  // Starts when the old turn is buried, which is the next thing the broker hears, ahead of whatever waits.
  sessions.enqueue(request, 'front');
  if (live?.ref) tell(kernel.ref, live.ref, { type: 'turn.cancel', reason: 'replaced', graceMs: 0 });
  return LATER;
}

/**
 * An agent that is behind now is not promised another chat, least of all in place of a live one. Weighed again when it starts.
 * @throws {WireError} `-32020`
 */
function admitWaiting(kernel: Kernel, { params, from }: QueuedChat): void {
  const agent = attachedFor(kernel, from, params.agent_id);
  // Most of them are not, and a copy of a long prompt is not made to find that out.
  if (!agent || agent.link.waitingBytes <= kernel.limits.softLimitBytes) return;
  admitBytes(kernel, agent, jsonBytes(params) + jsonBytes(sortedTools(from)));
}

/** `agents.chat.cancel` (`wire.md` section 6). The turn answers: its reply comes before its terminal. */
const cancel: Handler<'agents.chat.cancel'> = (call) => {
  const { kernel, from, id, params, trace } = call;
  const confirm = { to: from, id };
  const waiting = liveTurn(kernel, from, params.session_id) ? undefined : waitingChat(kernel, from, params.session_id);
  if (waiting) {
    if (waiting.from !== from && from.role !== 'host') throw WireError.forbidden('session');
    cancelWaiting(kernel, waiting, confirm);
    kernel.audit.by(
      from,
      'turn.cancel',
      'ok',
      undefined,
      { session: waiting.sessionId },
      traceId(trace ?? waiting.trace),
    );
    return LATER;
  }
  const turn = findOwnTurn(call, params.session_id);
  kernel.audit.by(from, 'turn.cancel', 'ok', turn.id, { session: turn.sessionId }, traceId(trace ?? turn.trace));
  const { grace_ms: graceMs } = params;
  if (turn.ref) tell(kernel.ref, turn.ref, { type: 'turn.cancel', reason: 'host_cancelled', graceMs, confirm, trace });
  return LATER;
};

/** `agents.chat.sessions` (`wire.md` section 6). */
const listSessions: Handler<'agents.chat.sessions'> = (call) => {
  const { kernel, from } = call;
  const seesAll = from.role === 'host' || observes(from);
  const turns = seesAll ? kernel.get(TURNS).byId.values() : turnsOf(from).hosting;
  const rows = [...turns]
    .filter((turn) => sees(from, turn.owner, turn.agentId))
    .map((turn) => ({ ...toRow(from, turn), ...atBroker(kernel) }));
  return replyRows(call, rows, { as: 'sessions' });
};

/**
 * The live turn of a session, where the caller may act on it: its host, and the host role.
 * @throws {WireError} `-32014` where there is none, or none that exists for it; `-32015`
 */
export function findOwnTurn({ kernel, from }: Call<unknown>, sessionId: string): Turn {
  const turn = liveTurn(kernel, from, sessionId);
  if (!turn) throw WireError.notFound('session');
  if (turn.host !== from && from.role !== 'host') throw WireError.forbidden('session');
  return turn;
}

function toRow(from: Client, turn: Turn): SessionRow {
  return {
    session_id: idFor(from, turn.owner, turn.sessionId, turn.sessionKey),
    turn_id: turn.id,
    agent_id: turn.agentId,
    host_client_id: turn.host?.origin ?? null,
    created_at: Math.floor(turn.createdAt / 1000),
    status: turn.status as TurnStatus,
    seq: turn.seq,
    ...(turn.front && { front: turn.front }),
  };
}

/** What turns answer, their resuming, tools and approvals apart. */
export const turnMethods: Handlers = {
  'agents.chat': afterRecovery('agents.chat', chat, ({ from, params: { session_id } }) =>
    session_id === undefined ? [] : [agentSessionId(from.principal, session_id)],
  ),
  'agents.chat.cancel': afterRecovery('agents.chat.cancel', cancel, sessionNames),
  'agents.chat.sessions': listSessions,
};
