import { CloseCode } from '../../protocol/close-codes.ts';
import { withdrawApproval } from '../approvals/approval.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { tell } from '../kernel/tell.ts';
import { forgetScope, scopeOf } from '../memory/scope.ts';
import { cancelCallback } from '../tools/callback.ts';
import { unobserve } from '../turns/resume/observers.ts';
import type { Client } from './client.ts';

/** Binds an agent's connection to its id; an older one of the same agent is closed and loses its turns (section 3). */
export function attachAgent(state: BrokerState, client: Client): void {
  const { agentId } = client;
  if (agentId === undefined) return;
  const older = state.attached.get(agentId);
  state.attached.set(agentId, client);
  state.hostAgents.evictForeign(agentId, client);
  const payload = { client_id: client.id };
  state.events.emit({ kind: 'agent.attached', agentId, message: `agent ${agentId} attached`, payload });
  if (!older || older === client) return;
  endServing(state, older, 'agent_replaced');
  tell(state.ref, older.ref, { type: 'connection.close', code: CloseCode.Replaced });
}

/** A connection is gone: everything that was its own goes with it, and the other side of each is told. */
export function endClient(state: BrokerState, client: Client): void {
  const { agentId } = client;
  state.events.unsubscribe(client);
  state.inspection?.unsubscribe(client);
  state.surfaces.unsubscribe(client);
  for (const chat of [...client.queued]) state.sessions.remove(chat);
  for (const turn of [...client.turns]) if (turn.ref) tell(state.ref, turn.ref, { type: 'host.gone' });
  for (const turn of [...client.observing]) unobserve(turn, client);
  endServing(state, client, 'agent_disconnected');
  for (const callback of [...client.directCallbacks]) cancelCallback(state, callback, 'host_disconnected');
  for (const approval of [...client.approvals]) withdrawApproval(state, approval);
  for (const stream of [...client.voiceStreams]) {
    if (stream.ref) tell(state.ref, stream.ref, { type: 'client.gone' });
  }
  for (const meeting of [...state.meetings.ofClient(client)]) {
    if (meeting.ref) tell(state.ref, meeting.ref, { type: 'client.gone' });
  }
  if (agentId === undefined) forgetScope(state, scopeOf(client));
  state.hostAgents.removeOwnedBy(client);
  // Only if it is still the one: a replaced connection's end is not its agent's (law 15).
  if (agentId === undefined || state.attached.get(agentId) !== client) return;
  state.attached.delete(agentId);
  const payload = { client_id: client.id };
  state.events.emit({ kind: 'agent.detached', agentId, message: `agent ${agentId} detached`, payload });
}

function endServing(state: BrokerState, client: Client, code: 'agent_disconnected' | 'agent_replaced'): void {
  for (const turn of [...client.serving]) if (turn.ref) tell(state.ref, turn.ref, { type: 'agent.gone', code });
  for (const stream of [...client.voiceJobs]) {
    const message = 'the provider disconnected';
    if (stream.ref) tell(state.ref, stream.ref, { type: 'stream.fail', code: 'provider_disconnected', message });
  }
}
