import { WireError } from '../../protocol/errors.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { createTurnId } from '../kernel/unique-ids.ts';
import type { QueuedChat } from './sessions.ts';
import { startTurn } from './turn.ts';
import { Turn } from './turn-record.ts';

/**
 * Opens the turn of a chat whose session is free: its actor asks the agent at once, and answers the host.
 * @throws {WireError} `-32011` where the agent is not attached (any more), `-32021` where a gate kept it until now and
 *   the broker is stopping meanwhile.
 */
export function openTurn(state: BrokerState, { from, id, sessionId, params }: QueuedChat): void {
  if (state.isDraining) throw WireError.draining();
  const agent = state.attached.get(params.agent_id);
  if (!agent) throw WireError.agentNotAttached(params.agent_id);
  const now = state.clock.now();
  const turn = new Turn({
    id: createTurnId(),
    sessionId,
    params,
    host: from,
    agent,
    requestId: id,
    callId: state.nextCallId(),
    createdAt: Date.now(),
    now,
    limits: state.limits,
  });
  state.counters.turns += 1;
  state.turns.set(turn.id, turn);
  state.sessions.start(turn);
  from.turns.add(turn);
  agent.serving.add(turn);
  startTurn(state, turn);
  state.events.emit({
    kind: 'chat.started',
    agentId: turn.agentId,
    message: `chat ${sessionId} started`,
    payload: { session_id: sessionId, turn_id: turn.id, host_client_id: from.id },
  });
  state.log.debug({ turn: turn.id, session: sessionId, agent: agent.agentId, host: from.id }, 'turn opened');
}
