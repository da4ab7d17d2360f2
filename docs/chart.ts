import type { AnyStateMachine } from 'xstate';

/** One way out of a state, or one thing that is done in it. */
export interface ChartTransition {
  /** The event's type, `always`, or `after` and the delay's name. */
  event: string;
  guard: string | undefined;
  actions: string[];
  /** Undefined where the state stays as it is. */
  target: string | undefined;
}

/** One state, by name. */
export interface ChartState {
  name: string;
  description: string | undefined;
  isFinal: boolean;
  entry: string[];
  exit: string[];
  transitions: ChartTransition[];
}

/** A machine as a picture shows it. */
export interface Chart {
  id: string;
  initial: string;
  /** What is done when the actor starts. */
  entry: string[];
  /** What is done when it ends, whichever way. */
  exit: string[];
  states: ChartState[];
}

type Config = Record<string, unknown>;

/**
 * Reads a machine's own definition.
 * @throws {Error} where the chart holds more than names (an inline function), or a state within a state.
 */
export function readChart(machine: AnyStateMachine): Chart {
  const config = machine.config as Config;
  const states = Object.entries(config.states as Record<string, Config>).map(([name, state]) => readState(name, state));
  const [entry, exit] = [list(config.entry).map(nameOf), list(config.exit).map(nameOf)];
  return { id: machine.id, initial: nameOf(config.initial), entry, exit, states };
}

function readState(name: string, state: Config): ChartState {
  if (state.states) throw new Error(`${name}: states within a state are not drawn yet`);
  const keyed = (of: unknown, event: (key: string) => string) =>
    Object.entries((of ?? {}) as Config).flatMap(([key, value]) =>
      list(value).map((one) => transition(event(key), one)),
    );
  return {
    name,
    description: state.description as string | undefined,
    isFinal: state.type === 'final',
    entry: list(state.entry).map(nameOf),
    exit: list(state.exit).map(nameOf),
    transitions: [
      ...list(state.always).map((one) => transition('always', one)),
      ...keyed(state.on, (key) => key),
      ...keyed(state.after, (key) => `after ${key}`),
    ],
  };
}

function transition(event: string, value: unknown): ChartTransition {
  const { guard, actions, target } = (typeof value === 'string' ? { target: value } : value) as Config;
  return {
    event,
    guard: guard === undefined ? undefined : nameOf(guard),
    actions: list(actions).map(nameOf),
    target: target === undefined ? undefined : nameOf(target),
  };
}

function list(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const type = (value as { type?: unknown } | null)?.type;
  if (typeof type === 'string') return type;
  throw new Error('a chart is made of names only');
}
