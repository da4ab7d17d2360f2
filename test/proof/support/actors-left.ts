import type { AnyActorRef, InspectionEvent } from 'xstate';
import { APPROVALS } from '../../../actors/approvals/approvals.ts';
import { TOOLS } from '../../../actors/tools/tools.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
import type { Internals } from '../../support/internals.ts';

/** Every actor that a broker makes from now on, to see which of them are still there at the end. */
export function watchActors(broker: Internals): () => string[] {
  const actors = new Set<AnyActorRef>();
  broker.inspect((event: InspectionEvent) => {
    if (event.type === '@xstate.actor') actors.add(event.actorRef as AnyActorRef);
  });
  return () => [...actors].filter((actor) => actor.getSnapshot().status === 'active').map(({ id }) => id);
}

/** What a broker still holds. With all clients gone, and the time over in which ended turns can be resumed: nothing. */
export function heldBy({ state, root }: Internals): Record<string, number> {
  const { clients, attached, deadlines } = state;
  const { byId: turns, logs } = state.get(TURNS);
  const held = {
    clients: clients.size,
    turns: turns.size,
    agents: attached.size,
    tools: state.get(TOOLS).direct.size,
    approvals: state.get(APPROVALS).pendingCount,
    detached: logs.detached.size,
    // One that has stopped sweeps no more: what it kept goes with it.
    logs: root.getSnapshot().status === 'active' ? logs.endedCount : 0,
    logBytes: root.getSnapshot().status === 'active' ? logs.bytes : 0,
    // The sweep of the broker itself goes on, until it stops.
    deadlines: Math.max(0, deadlines.size - 1),
  };
  return Object.fromEntries(Object.entries(held).filter(([, count]) => count > 0));
}
