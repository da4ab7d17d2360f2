import { v4 as uuid } from 'uuid';
import type { TurnStatus } from '../../protocol/chat.ts';
import { WireError } from '../../protocol/errors.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { type Call, type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { sortedTools } from '../tools/client-tools.ts';
import { turnsOf } from './client-turns.ts';
import { openTurn } from './lifecycle.ts';
import type { QueuedChat } from './sessions.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** `agents.chat`: starts a turn, or has it wait, or refuses it (`wire.md` section 6). */
const chat: Handler<'agents.chat'> = ({ kernel, from, id, params }) => {
  const sessionId = params.session_id ?? `chat-${uuid()}`;
  const request: QueuedChat = { from, id, sessionId, params };
  checkAttached(kernel, request);
  const live = kernel.get(TURNS).sessions.live(sessionId);
  if (!live) {
    checkTurnLimit(kernel, from);
    openTurn(kernel, request);
    return LATER;
  }
  if (params.on_busy === 'reject') throw WireError.sessionBusy();
  if (live.host !== from) throw WireError.forbidden('session');
  admitWaiting(kernel, request);
  if (params.on_busy === 'queue') {
    const limit = kernel.limits.maxQueuedPerSession;
    if (kernel.get(TURNS).sessions.waitingCount(sessionId) >= limit)
      throw WireError.limitExceeded('max_queued_per_session', limit);
    checkTurnLimit(kernel, from);
    request.release = kernel.held.hold(from, params);
    kernel.get(TURNS).sessions.enqueue(request, 'back');
  } else {
    // Starts when the old turn is buried, which is the next thing the broker hears, ahead of whatever waits.
    request.release = kernel.held.hold(from, params);
    kernel.get(TURNS).sessions.enqueue(request, 'front');
    if (live.ref) tell(kernel.ref, live.ref, { type: 'turn.cancel', reason: 'replaced', graceMs: 0 });
  }
  return LATER;
};

/**
 * An agent that is behind now is not promised another chat, least of all in place of a live one. Weighed again when it starts.
 * @throws {WireError} `-32020`
 */
function admitWaiting(kernel: Kernel, { params, from }: QueuedChat): void {
  const agent = kernel.attached.get(params.agent_id);
  // Most of them are not, and a copy of a long prompt is not made to find that out.
  if (!agent || agent.link.waitingBytes <= kernel.limits.softLimitBytes) return;
  admitBytes(kernel, agent, jsonBytes(params) + jsonBytes(sortedTools(from)));
}

/** @throws {WireError} `-32011` */
function checkAttached(kernel: Kernel, chat: QueuedChat): void {
  if (!kernel.attached.has(chat.params.agent_id)) throw WireError.agentNotAttached(chat.params.agent_id);
}

/** @throws {WireError} `-32020` where a connection is the host of as many turns as it may be. */
export function checkTurnLimit(kernel: Kernel, from: Client): void {
  const limit = kernel.limits.maxTurnsPerConnection;
  const { hosting, queued } = turnsOf(from);
  if (hosting.size + queued.size >= limit) throw WireError.limitExceeded('max_turns_per_connection', limit);
}

/** `agents.chat.cancel` (`wire.md` section 6). The turn answers: its reply comes before its terminal. */
const cancel: Handler<'agents.chat.cancel'> = (call) => {
  const { kernel, from, id, params } = call;
  const turn = findOwnTurn(call, params.session_id);
  const confirm = { to: from, id };
  if (turn.ref) {
    tell(kernel.ref, turn.ref, { type: 'turn.cancel', reason: 'host_cancelled', graceMs: params.grace_ms, confirm });
  }
  return LATER;
};

/** `agents.chat.sessions` (`wire.md` section 6). */
const listSessions: Handler<'agents.chat.sessions'> = ({ kernel, from }) => {
  const turns = from.role === 'host' ? kernel.get(TURNS).byId.values() : turnsOf(from).hosting;
  return { sessions: [...turns].map(toRow) };
};

/**
 * The live turn of a session, where the caller may act on it: its host, and the host role.
 * @throws {WireError} `-32014`, `-32015`
 */
export function findOwnTurn({ kernel, from }: Call<unknown>, sessionId: string): Turn {
  const turn = kernel.get(TURNS).sessions.live(sessionId);
  if (!turn) throw WireError.notFound('session');
  if (turn.host !== from && from.role !== 'host') throw WireError.forbidden('session');
  return turn;
}

function toRow(turn: Turn) {
  return {
    session_id: turn.sessionId,
    turn_id: turn.id,
    agent_id: turn.agentId,
    host_client_id: turn.host?.id ?? null,
    created_at: Math.floor(turn.createdAt / 1000),
    status: turn.status as TurnStatus,
    seq: turn.seq,
  };
}

/** What turns answer, their resuming, tools and approvals apart. */
export const turnMethods: Handlers = {
  'agents.chat': chat,
  'agents.chat.cancel': cancel,
  'agents.chat.sessions': listSessions,
};
