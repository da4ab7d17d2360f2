import { v4 as uuid } from 'uuid';
import type { TurnStatus } from '../../protocol/chat.ts';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { tell } from '../kernel/tell.ts';
import { type Call, type Handler, LATER } from '../requests/dispatcher.ts';
import { openTurn } from './open-turn.ts';
import type { QueuedChat } from './sessions.ts';
import type { Turn } from './turn-record.ts';

/** `agents.chat`: starts a turn, or has it wait, or refuses it (`wire.md` section 6). */
export const chat: Handler<'agents.chat'> = ({ state, from, id, params }) => {
  const sessionId = params.session_id ?? `chat-${uuid()}`;
  const request: QueuedChat = { from, id, sessionId, params };
  checkAttached(state, request);
  const live = state.sessions.live(sessionId);
  if (!live) {
    checkTurnLimit(state, from);
    openTurn(state, request);
    return LATER;
  }
  if (params.on_busy === 'reject') throw WireError.sessionBusy();
  if (live.host !== from) throw WireError.forbidden('session');
  if (params.on_busy === 'queue') {
    const limit = state.limits.maxQueuedPerSession;
    if (state.sessions.waitingCount(sessionId) >= limit) throw WireError.limitExceeded('max_queued_per_session', limit);
    checkTurnLimit(state, from);
    state.sessions.enqueue(request, 'back');
  } else {
    // Starts when the old turn is buried, which is the next thing the broker hears, ahead of whatever waits.
    state.sessions.enqueue(request, 'front');
    if (live.ref) tell(state.ref, live.ref, { type: 'turn.cancel', reason: 'replaced', graceMs: 0 });
  }
  return LATER;
};

/** @throws {WireError} `-32011` */
function checkAttached(state: BrokerState, chat: QueuedChat): void {
  if (!state.attached.has(chat.params.agent_id)) throw WireError.agentNotAttached(chat.params.agent_id);
}

/** @throws {WireError} `-32020` where a connection is the host of as many turns as it may be. */
export function checkTurnLimit(state: BrokerState, from: Client): void {
  const limit = state.limits.maxTurnsPerConnection;
  if (from.turns.size + from.queued.size >= limit) throw WireError.limitExceeded('max_turns_per_connection', limit);
}

/** `agents.chat.cancel` (`wire.md` section 6). The turn answers: its reply comes before its terminal. */
export const cancel: Handler<'agents.chat.cancel'> = (call) => {
  const { state, from, id, params } = call;
  const turn = findOwnTurn(call, params.session_id);
  const confirm = { to: from, id };
  if (turn.ref) {
    tell(state.ref, turn.ref, { type: 'turn.cancel', reason: 'host_cancelled', graceMs: params.grace_ms, confirm });
  }
  return LATER;
};

/** `agents.chat.sessions` (`wire.md` section 6). */
export const listSessions: Handler<'agents.chat.sessions'> = ({ state, from }) => {
  const turns = from.role === 'host' ? state.turns.values() : from.turns;
  return { sessions: [...turns].map(toRow) };
};

/**
 * The live turn of a session, where the caller may act on it: its host, and the host role.
 * @throws {WireError} `-32014`, `-32015`
 */
export function findOwnTurn({ state, from }: Call<unknown>, sessionId: string): Turn {
  const turn = state.sessions.live(sessionId);
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
    status: (turn.ref?.getSnapshot().value ?? 'dispatching') as TurnStatus,
    seq: turn.seq,
  };
}
