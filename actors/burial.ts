import { WireError } from '../protocol/errors.ts';
import type { BrokerState } from './broker-state.ts';
import type { Ending } from './counters.ts';
import { reply } from './reply.ts';
import { tell } from './tell.ts';
import { sendSynthesized } from './turn-messages.ts';
import type { Turn } from './turn-record.ts';

/** Forgets a turn that has reached a final state: nothing of it stays. */
export function buryTurn(state: BrokerState, turn: Turn): void {
  state.turns.delete(turn.id);
  state.sessions.end(turn);
  turn.host.turns.delete(turn);
  turn.agent.serving.delete(turn);
  const ending = (turn.ref?.getSnapshot().value ?? 'failed') as Ending;
  state.counters.end(ending);
  state.log.debug({ turn: turn.id, session: turn.sessionId, ending, seq: turn.seq }, 'turn ended');
}

/**
 * Ends a turn whose actor failed, a fault of ours (law 10): both sides are told as far as its own final could not, and
 * no other turn notices.
 */
export function failTurn(state: BrokerState, turn: Turn): void {
  state.deadlines.disarm(turn.deadline);
  turn.agent.calls.delete(turn.callId);
  if (!turn.isAccepted) reply(state, turn.host, turn.requestId, { error: WireError.internal() });
  else if (!turn.isTerminated) {
    sendSynthesized(state, state.ref, turn, { kind: 'error', error: 'internal error', code: 'internal' });
  }
  const params = { session_id: turn.sessionId, turn_id: turn.id, reason: 'stale' };
  tell(state.ref, turn.agent.ref, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  buryTurn(state, turn);
}

/** Forgets a connection whose socket is gone. */
export function buryClient(state: BrokerState, id: string): void {
  if (state.clients.delete(id)) state.log.debug({ client: id }, 'connection closed');
}
