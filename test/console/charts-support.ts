import type { AnyStateMachine } from 'xstate';
import { charts } from '../../actors/families.ts';
import { definitionOf } from '../../actors/shown/definition.ts';
import { type ChartGraph, graphOf } from '../../console/charts/graph.ts';
import type { InspectedActor, InspectRecord, InspectSnapshot } from '../../protocol/inspect.ts';

/** Every machine that runs in a broker. */
export const machines: readonly AnyStateMachine[] = charts.map(({ machine }) => machine);

/** The graph of a machine, by the definition that the feed would send. */
export const graphOfMachine = (machine: AnyStateMachine): ChartGraph => graphOf(definitionOf(machine));

/** An actor as the feed tells of it. */
export function actor(id: string, given: Partial<InspectedActor> = {}): InspectedActor {
  const parent = id === 'root' ? null : 'root';
  return {
    id,
    name: id,
    machine: id === 'root' ? 'broker' : 'connection',
    parent,
    state: ['ready'],
    status: 'active',
    started_at: 1_000,
    context: {},
    ...given,
  };
}

/** A turn of host `h` with agent `a`, whose connections are called so too. */
export const turn = (id: string, given: Partial<InspectedActor> = {}): InspectedActor =>
  actor(id, {
    machine: 'turn',
    state: ['dispatching'],
    context: { session_id: `session-${id}`, turn_id: id, agent_id: 'echo', host: 'h', agent: 'a' },
    ...given,
  });

export const snapshot = (actors: InspectedActor[], sequence = 0): InspectSnapshot => ({
  subscribed: true,
  sequence,
  machines: {},
  actors,
});

type Given<T> = T extends unknown ? Omit<T, 'sequence' | 'at'> & { at?: number } : never;

/** Numbers records as the feed does. */
export function recorder(sequence = 0): (...records: Given<InspectRecord>[]) => InspectRecord[] {
  let last = sequence;
  return (...records) =>
    records.map((record) => {
      last += 1;
      return { at: last, ...record, sequence: last } as InspectRecord;
    });
}

/** Something that an actor heard. */
export const heard = (
  to: string,
  event: string,
  from: string | null = null,
  payload: unknown = {},
  count?: number,
) => ({
  type: 'event' as const,
  actor: to,
  event,
  from,
  payload,
  ...(count === undefined ? {} : { count }),
});
