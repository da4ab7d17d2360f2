import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, EventObject, InspectionEvent } from 'xstate';
import { getShortestPaths } from 'xstate/graph';

/** One step of a walk through a chart: what happens, and where that leads. */
export interface WalkStep<E> {
  event: E;
  state: string;
  context: unknown;
}

/** A way through a chart from its start: the shortest that ends with one of its transitions. */
export interface Walk<E> {
  /** The events, in short. */
  name: string;
  start: string;
  steps: WalkStep<E>[];
}

/** What a chart is walked with. Its actions note in the context what its guards ask for. */
export interface WalkOptions<E> {
  input: unknown;
  /** What may happen in a state. */
  events(snapshot: AnyMachineSnapshot): E[];
  /** A name for an event, different for different ones. */
  name(event: E): string;
  /** The part of the context by which states differ. */
  facts(snapshot: AnyMachineSnapshot): string;
  /** The word for where the chart stands; by default its value. */
  standing?(snapshot: AnyMachineSnapshot): string;
}

/** For each transition between two states of the chart, told apart by their facts too, the shortest walk that ends with it. */
export function walksOf<E extends EventObject>(machine: AnyStateMachine, options: WalkOptions<E>): Walk<E>[] {
  const { input, events, name, facts, standing = ({ value }) => String(value) } = options;
  const place = (snapshot: AnyMachineSnapshot) => `${JSON.stringify(snapshot.value)} ${facts(snapshot)}`;
  const paths = getShortestPaths(machine, {
    input,
    events: ((snapshot: AnyMachineSnapshot) =>
      snapshot.status === 'active' ? events(snapshot).filter((event) => snapshot.can(event)) : []) as never,
    // A place is told apart by the way in: so each transition, and not only each state, is the end of a path.
    serializeState: ((snapshot: AnyMachineSnapshot, event: E | undefined, before: AnyMachineSnapshot | undefined) =>
      event && before ? `${place(before)} ${name(event)} ${place(snapshot)}` : place(snapshot)) as never,
    serializeEvent: name as never,
  });
  return paths
    .map(({ steps }) => {
      const [first, ...rest] = (steps as { event: E; state: AnyMachineSnapshot }[]).map(({ event, state }) => ({
        event,
        state: standing(state),
        context: state.context,
      }));
      return { name: rest.map(({ event }) => name(event)).join(', '), start: first?.state ?? '', steps: rest };
    })
    .filter(({ steps }) => steps.length > 0);
}

/**
 * A part of the walks in which each kind of step is still the end of one: for each event, with the state before it and the
 * one after, the shortest walk, and the last one, where most has come together by then.
 */
export function partOf<E>(walks: readonly Walk<E>[], name: (event: E) => string): Walk<E>[] {
  const first = new Map<string, Walk<E>>();
  const last = new Map<string, Walk<E>>();
  for (const walk of walks) {
    const end = walk.steps.at(-1);
    if (!end) continue;
    const kind = [name(end.event), walk.steps.at(-2)?.state ?? walk.start, end.state].join(' › ');
    if (!first.has(kind)) first.set(kind, walk);
    last.set(kind, walk);
  }
  const part = new Set([...first.values(), ...last.values()]);
  return walks.filter((walk) => part.has(walk));
}

const AFTER = 'xstate.after.';
const DELAYED = /^xstate\.after\.(\w+)\..*$/;

/** The delays of a chart that run in a state, as events. */
export const delaysIn = (snapshot: AnyMachineSnapshot): string[] => {
  const node = snapshot.machine.states[String(snapshot.value)];
  return [...(node?.transitions.keys() ?? [])].filter((type) => type.startsWith(AFTER));
};

/** Every transition of a chart by name: `state › event`, and the guard, where there are several. */
export function transitionsOf(machine: AnyStateMachine): Set<string> {
  const names = new Set<string>();
  const visit = (node: AnyStateNode) => {
    const state = node.path.join('.');
    const types = [...node.transitions].filter(([type]) => type !== '');
    for (const [type, candidates] of types) {
      for (const candidate of candidates) names.add(nameOf(state, type, candidate, candidates.length));
    }
    const always = node.always ?? [];
    for (const candidate of always) names.add(nameOf(state, '', candidate, always.length));
    for (const inner of Object.values(node.states)) visit(inner);
  };
  visit(machine.root);
  return names;
}

function nameOf(state: string, type: string, { guard }: { guard?: unknown }, candidates: number): string {
  const what = type === '' ? 'always' : type.replace(DELAYED, 'after $1');
  const when = typeof guard === 'string' ? ` if ${guard}` : candidates > 1 ? ' else' : '';
  return `${state} › ${what}${when}`;
}

interface Taken {
  eventType: string;
  guard?: unknown;
  source: {
    path: readonly string[];
    always?: readonly unknown[];
    transitions: ReadonlyMap<string, readonly unknown[]>;
  };
}

/** Which transitions the charts of a running broker have taken, by the name of the chart. */
export class Coverage {
  readonly #taken = new Map<string, Set<string>>();

  /** For `inspect()` of the broker's system. */
  readonly see = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep' && event.type !== '@xstate.snapshot') return;
    const { machine, _nodes: nodes } = event.snapshot as AnyMachineSnapshot & { _nodes: AnyStateNode[] };
    if (machine === undefined) return;
    if (event.type === '@xstate.microstep') {
      for (const { eventType, source, guard } of event._transitions as unknown as Taken[]) {
        const among = eventType === '' ? source.always : source.transitions.get(eventType);
        this.#add(machine.id, nameOf(source.path.join('.'), eventType, { guard }, among?.length ?? 1));
      }
      return;
    }
    // What is handled off the chart takes the transition that the chart has for it, and no step (law 2).
    for (const { path, transitions } of nodes) {
      const [only, ...others] = transitions.get(event.event.type) ?? [];
      if (only && others.length === 0 && !only.guard && !only.target) {
        this.#add(machine.id, nameOf(path.join('.'), event.event.type, only, 1));
      }
    }
  };

  /** The transitions of a chart that were never taken, in alphabetical order. */
  missing(machine: AnyStateMachine): string[] {
    const taken = this.#taken.get(machine.id);
    return [...transitionsOf(machine)].filter((name) => !taken?.has(name)).sort();
  }

  #add(chart: string, name: string): void {
    const taken = this.#taken.get(chart) ?? new Set();
    this.#taken.set(chart, taken.add(name));
  }
}

/** What plays a walk against a real broker. */
export interface Play<E> {
  /** Has an event of the chart come about, on the wire or by the clock. */
  happen(event: E): Promise<void>;
  /** What must hold in this state of the chart. */
  check(state: string): Promise<void>;
  /** The walk is over: what comes too late changes nothing, and nothing stays. */
  finish(state: string): Promise<void>;
}

/** Plays a walk, and checks each state on the way. @throws {Error} that names the walk */
export async function playWalk<E>({ name, start, steps }: Walk<E>, open: () => Promise<Play<E>>): Promise<void> {
  try {
    const play = await open();
    await play.check(start);
    for (const { event, state } of steps) {
      await play.happen(event);
      await play.check(state);
    }
    await play.finish(steps.at(-1)?.state ?? start);
  } catch (error) {
    throw new Error(`on the walk: ${name}`, { cause: error });
  }
}
