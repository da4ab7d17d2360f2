import { WireError } from '../protocol/errors.ts';
import type { BrokerState } from './broker-state.ts';
import type { QueuedChat } from './sessions.ts';
import { Turn } from './turn-record.ts';
import { createTurnId } from './unique-ids.ts';

/**
 * Opens the turn of a chat whose session is free: its actor asks the agent at once, and answers the host.
 * @throws {WireError} `-32011` where the agent is not attached (any more).
 */
export function openTurn(state: BrokerState, { from, id, sessionId, params }: QueuedChat): void {
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
    maxHeldBytes: state.limits.maxUnackedBytes,
  });
  state.counters.turns += 1;
  state.turns.set(turn.id, turn);
  state.sessions.start(turn);
  from.turns.add(turn);
  agent.serving.add(turn);
  state.startTurn(turn);
  state.log.debug({ turn: turn.id, session: sessionId, agent: agent.agentId, host: from.id }, 'turn opened');
}
