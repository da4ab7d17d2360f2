import type { AnyActorRef } from 'xstate';
import type { SurfaceAction, SurfaceEvent } from '../../protocol/surfaces.ts';
import type { BrokerState } from '../broker-state.ts';
import { jsonBytes } from '../payload-size.ts';
import { tell } from '../tell.ts';
import { type Change, toApplied, toRow } from './surface.ts';

/** Tells everybody who watches what became of a surface: subscribers all of it, the event log that it happened. */
export function announceChange(state: BrokerState, self: AnyActorRef, change: Change): void {
  const { surfaceId, before, after } = change;
  if (!before && !after) return;
  const kind = after ? 'a2ui.surface_updated' : 'a2ui.surface_deleted';
  publish(state, self, { kind, result: toApplied(change) });
  const payload = after ? { surfaceId, deleted: false, surface: toRow(after) } : { surfaceId, deleted: true };
  const agentId = (after ?? before)?.agentId;
  const message = `surface ${after ? 'updated' : 'deleted'}`;
  state.events.emit({ kind, agentId, message, payload, bytes: jsonBytes(payload) });
}

/** Tells everybody who watches what a person did. What came of it is for that person alone. */
export function announceAction(state: BrokerState, self: AnyActorRef, action: SurfaceAction, agentId?: string): void {
  const kind = 'a2ui.action';
  const result = { event: action };
  publish(state, self, { kind, result });
  state.events.emit({ kind, agentId, message: 'surface action', payload: result, bytes: jsonBytes(result) });
}

function publish(state: BrokerState, self: AnyActorRef, event: SurfaceEvent): void {
  for (const client of state.surfaces.subscribers) {
    tell(self, client.ref, { type: 'rpc.notify', method: 'a2ui.event', params: event });
  }
}
