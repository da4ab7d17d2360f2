import type { ActorScope, AnyActorRef, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

/** Handles one event type without a chart step, in the states where the chart would take no transition for it. */
export interface FastHandler {
  /** Top-level states in which the event is legal and leaves the state alone. */
  in: ReadonlySet<string>;
  // biome-ignore lint/suspicious/noExplicitAny: the table is written per machine, where the types are known
  run: (context: any, event: any, self: AnyActorRef) => void;
}

/** Event types, and how each is handled off the chart. */
export type FastPath = Readonly<Record<string, FastHandler>>;

const DONE = 'xstate.done.actor.';
const ERROR = 'xstate.error.actor.';

/**
 * The machine's logic with two decorations, and otherwise the machine itself.
 *
 * 1. Hot events are handled in the actor's own `transition` and leave the snapshot as it is: 40 ns instead of 2 µs
 *    (law 2). The chart has the same transition with the same action, so that it can be read and drawn; a test holds
 *    both to the same effect.
 * 2. A child's end arrives as `child.done` or `child.failed`: the original's type contains the child's id, and a
 *    machine keeps its candidates for each type for ever (law 4). An error without a transition for it would also take
 *    the parent down (law 10).
 */
export function withFastPath<M extends AnyStateMachine>(machine: M, hot: FastPath): M {
  const table = new Map(Object.entries(hot));
  const logic = Object.create(machine) as M;
  const step = machine.transition as (
    snapshot: AnyMachineSnapshot,
    event: EventObject,
    scope: ActorScope<AnyMachineSnapshot, EventObject>,
  ) => AnyMachineSnapshot;
  const transition: typeof step = (snapshot, event, scope) => {
    const handler = table.get(event.type);
    if (handler?.in.has(snapshot.value as string)) {
      handler.run(snapshot.context, event, scope.self as AnyActorRef);
      return snapshot;
    }
    return step(snapshot, event.type.startsWith('xstate.') ? childEvent(event) : event, scope);
  };
  Object.defineProperty(logic, 'transition', { value: transition });
  return logic;
}

function childEvent(event: EventObject & { error?: unknown }): EventObject {
  if (event.type.startsWith(DONE)) return { type: 'child.done', id: event.type.slice(DONE.length) } as EventObject;
  if (event.type.startsWith(ERROR)) {
    return { type: 'child.failed', id: event.type.slice(ERROR.length), error: event.error } as EventObject;
  }
  return event;
}
