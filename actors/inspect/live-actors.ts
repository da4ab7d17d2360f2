import type { AnyActorRef } from 'xstate';
import type { BrokerState } from '../kernel/broker-state.ts';

/** Every actor of a broker that runs, parents before their children. */
export function* liveActors(state: BrokerState): Generator<AnyActorRef> {
  yield state.ref;
  for (const { ref } of state.clients.values()) yield ref as AnyActorRef;
  for (const turn of state.turns.values()) {
    if (!turn.ref) continue;
    yield turn.ref as AnyActorRef;
    // One that waits for its turn's ack is no actor yet.
    for (const { ref } of turn.callbacks.values()) if (ref) yield ref as AnyActorRef;
  }
  for (const { ref } of state.directCallbacks.values()) if (ref) yield ref as AnyActorRef;
  for (const { ref } of state.approvals.allPending()) if (ref) yield ref as AnyActorRef;
  for (const { ref } of state.voice) if (ref) yield ref as AnyActorRef;
  for (const { ref } of state.meetings.live) if (ref) yield ref as AnyActorRef;
  for (const { ref } of state.surfaces.owners()) if (ref) yield ref as AnyActorRef;
}
