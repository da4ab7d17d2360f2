import { WireError } from '../../protocol/errors.ts';
import { attempt } from '../kernel/attempt.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import type { Ending } from '../kernel/counters.ts';
import { tell } from '../kernel/tell.ts';
import { reply } from '../requests/reply.ts';
import { unobserve } from './resume/observers.ts';
import { endChildren } from './turn-children.ts';
import type { Turn } from './turn-record.ts';
import { sendSynthesized } from './turn-relay.ts';

/** Forgets a turn that has ended: nothing of it stays. `ending`: the final state that its actor reached. */
export function buryTurn(
  state: BrokerState,
  turn: Turn,
  ending = (turn.ref?.getSnapshot().value ?? 'failed') as Ending,
): void {
  state.turns.delete(turn.id);
  state.sessions.end(turn);
  turn.host?.turns.delete(turn);
  turn.agent.serving.delete(turn);
  turn.agent.calls.delete(turn.callId);
  state.deadlines.disarm(turn.deadline);
  for (const observer of [...turn.observers]) unobserve(turn, observer);
  if (turn.log) {
    state.logs.detached.delete(turn, turn.log.key.openerId);
    state.logs.end(turn.log, ending, state.clock.now());
  }
  state.counters.end(ending);
  state.events.emit({
    kind: 'chat.ended',
    agentId: turn.agentId,
    message: `chat ${turn.sessionId} ended: ${ending}`,
    payload: { session_id: turn.sessionId, turn_id: turn.id, ending },
  });
  state.log.debug({ turn: turn.id, session: turn.sessionId, ending, seq: turn.seq }, 'turn ended');
}

/**
 * Ends a turn whose actor failed, a fault of ours (law 10): both sides are told as far as its own final could not, and
 * no other turn notices.
 */
export function failTurn(state: BrokerState, turn: Turn): void {
  const step = (run: () => void) => attempt(state, 'a broken turn', run);
  step(() => endChildren(state, turn, 'turn_ended'));
  step(() => {
    if (!turn.isAccepted && turn.host) reply(state, turn.host, turn.requestId, { error: WireError.internal() });
    else if (turn.isAccepted && !turn.isTerminated) {
      sendSynthesized(state, state.ref, turn, { kind: 'error', error: 'internal error', code: 'internal' });
    }
  });
  // After the terminal, which its log and its observers get too.
  step(() => buryTurn(state, turn, turn.isAccepted ? 'failed' : 'refused'));
  step(() => {
    const params = { session_id: turn.sessionId, turn_id: turn.id, reason: 'stale' };
    tell(state.ref, turn.agent.ref, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  });
}

/** Forgets a connection whose socket is gone. */
export function buryClient(state: BrokerState, id: string): void {
  if (state.clients.delete(id)) state.log.debug({ client: id }, 'connection closed');
}
