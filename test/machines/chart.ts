import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createActor,
  type EventObject,
  SimulatedClock,
  type StateValue,
} from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { writeJson } from '../../protocol/write-json.ts';

/** One transition of a chart, written down: which state it leaves by which event, where it ends, and what it does. */
export interface Row<F> {
  in: string;
  on: EventObject;
  /** Facts that differ from the usual ones at that moment. */
  given?: Partial<F>;
  /** The state that is reached; left out where it stays the same. */
  to?: string;
  /** The actions, in order: exit, transition, entry. */
  does: string[];
}

/** A chart with recorders for actions, and how to bring it into each of its states. */
export interface Chart<F> {
  machine: AnyStateMachine;
  /** A fresh set of the usual facts. */
  facts(): F;
  /** The machine's input around these facts. */
  input(facts: F): unknown;
  /** The events that lead to each state that is not final, and the facts on the way. */
  ways: Record<string, { by: EventObject[]; given?: Partial<F> }>;
  /** The word that rows have for where the chart stands, where its value is more than a name. */
  standing?(value: StateValue): string;
}

/** A running chart. `did` holds the names of the actions since it was last emptied. */
export interface Play<F> {
  actor: AnyActorRef;
  clock: SimulatedClock;
  facts: F;
  did: string[];
  value(): string;
  status(): string;
}

/** Starts a chart alone and brings it into `state`; what it did on the way is forgotten. */
export function playTo<F extends object>(chart: Chart<F>, state: string): Play<F> {
  const way = chart.ways[state];
  if (!way) throw new Error(`no way to ${state}`);
  const play = start(chart, way.given);
  for (const event of way.by) play.actor.send(event);
  if (play.value() !== state) throw new Error(`the way to ${state} led to ${play.value()}`);
  Object.assign(play.facts, chart.facts());
  play.did.length = 0;
  return play;
}

/** Starts a chart alone, with facts of the test's choice. */
export function start<F extends object>(chart: Chart<F>, given: Partial<F> = {}): Play<F> {
  const did: string[] = [];
  const names = Object.keys(chart.machine.implementations.actions);
  const actions = Object.fromEntries(names.map((name) => [name, () => did.push(name)]));
  const facts = Object.assign(chart.facts(), given);
  const clock = new SimulatedClock();
  const actor: AnyActorRef = createActor(chart.machine.provide({ actions }), { clock, input: chart.input(facts) });
  actor.start();
  const snapshot = () => actor.getSnapshot() as AnyMachineSnapshot;
  const value = () => standingOf(chart, snapshot());
  return { actor, clock, facts, did, value, status: () => snapshot().status };
}

const standingOf = <F>({ standing = String }: Chart<F>, { value }: AnyMachineSnapshot): string => standing(value);

/** Every transition that the chart has on an event, as `state › event`, and how many candidates it has there. */
export function transitionsOf(machine: AnyStateMachine): Map<string, number> {
  const found = new Map<string, number>();
  const visit = ({ path, states, transitions }: AnyStateNode) => {
    for (const [type, candidates] of transitions) {
      if (type !== '') found.set(`${path.join('.')} › ${type}`, candidates.length);
    }
    for (const inner of Object.values(states)) visit(inner);
  };
  visit(machine.root);
  return found;
}

/** The transitions that rows cover, in the same form: how many different outcomes they show. */
export function outcomesOf(rows: readonly Omit<Row<object>, 'given'>[]): Map<string, number> {
  const outcomes = new Map<string, Set<string>>();
  for (const row of rows) {
    const key = `${row.in} › ${row.on.type}`;
    const seen = outcomes.get(key) ?? new Set();
    outcomes.set(key, seen.add(JSON.stringify([row.to ?? row.in, row.does])));
  }
  return new Map([...outcomes].map(([key, seen]) => [key, seen.size]));
}

/** The states that paths through the chart end in, over all these facts together. */
export function reachedBy<F>(chart: Chart<F>, events: EventObject[], variants: F[]): Set<string> {
  const reached = new Set<string>();
  for (const facts of variants) {
    const options = { input: chart.input(facts), events, limit: 5_000, serializeEvent: writeJson };
    const paths = getShortestPaths(chart.machine, options);
    for (const path of paths) reached.add(standingOf(chart, path.state as AnyMachineSnapshot));
  }
  return reached;
}

/** A name for a test: what is particular about the facts. */
export const showGiven = (given: object | undefined): string =>
  given === undefined
    ? ''
    : ` with ${Object.entries(given)
        .map(([name, value]) => `${name} ${value instanceof Set ? `{${[...value]}}` : value}`)
        .join(' and ')}`;
