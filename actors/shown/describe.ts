import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import type { InspectedActor } from '../../protocol/inspect.ts';
import type { Facts } from '../kernel/facts.ts';
import { parentOf } from '../kernel/xstate-privates.ts';
import { textView } from './view.ts';

/** What is told of an actor whose chart has nothing to tell. */
export const NO_FACTS: Facts = { label: undefined, startedAt: 0, fields: {} };

/** An actor as it stands. `context`: what is shown of what it knows. */
export function describeActor(
  ref: AnyActorRef,
  { machine, status }: AnyMachineSnapshot,
  { label, startedAt }: Facts,
  state: readonly string[],
  context: unknown,
): InspectedActor {
  return {
    id: ref.sessionId,
    name: ref.id,
    machine: machine.id,
    parent: parentOf(ref)?.sessionId ?? null,
    state: [...state],
    status: status === 'active' || status === 'done' ? status : 'error',
    ...(label === undefined ? {} : { label: textView(label) }),
    started_at: Math.round(startedAt),
    context: context as InspectedActor['context'],
  };
}
