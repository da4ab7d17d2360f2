import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** One way out of a state, or one thing that is done in it. */
export interface ChartTransition {
  /** The event's type, `always`, or `after` and the delay's name. */
  event: string;
  guard: string | undefined;
  actions: string[];
  /** A path. Undefined where the state stays as it is. */
  target: string | undefined;
}

/** One state. */
export interface ChartState {
  /** `a.b` for `b` in `a`. */
  path: string;
  name: string;
  description: string | undefined;
  isFinal: boolean;
  entry: string[];
  exit: string[];
  transitions: ChartTransition[];
  /** All of those inside it are active together. */
  isParallel: boolean;
  /** The name of the one inside it that it begins with; undefined where it is parallel, or has none. */
  initial: string | undefined;
  /** Those inside it. */
  states: ChartState[];
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

/**
 * Reads a machine's own definition.
 * @throws {Error} where the chart holds more than names (an inline function).
 */
export function readChart({ id, root }: AnyStateMachine): Chart {
  const { initial = '', entry, exit, states } = readState(root);
  return { id, initial, entry, exit, states };
}

/** Every state of a chart, an outer one before those inside it. */
export function allStates({ states }: { states: readonly ChartState[] }): ChartState[] {
  return states.flatMap((state) => [state, ...allStates(state)]);
}

function readState(node: AnyStateNode): ChartState {
  const { key, path, type, description, config, always = [], transitions, states } = node;
  return {
    path: path.join('.'),
    name: key,
    description,
    isFinal: type === 'final',
    isParallel: type === 'parallel',
    initial: type === 'compound' ? node.initial.target[0]?.key : undefined,
    // As written: what XState adds to them for its own delays is no action of the chart's.
    entry: list(config.entry).map(nameOf),
    exit: list(config.exit).map(nameOf),
    transitions: [
      ...always.map((one) => transition('always', one)),
      ...[...transitions].flatMap(([event, ones]) =>
        ones.map((one) => transition(event.replace(DELAYED, 'after $1'), one)),
      ),
    ],
    states: Object.values(states as Record<string, AnyStateNode>).map(readState),
  };
}

/** XState's own name for the end of a delay holds the id of the state. */
const DELAYED = /^xstate\.after\.(\w+)\..*$/;

function transition(event: string, { guard, actions, target = [] }: AnyTransitionDefinition): ChartTransition {
  const [to] = target as readonly AnyStateNode[];
  return {
    event,
    guard: guard === undefined ? undefined : nameOf(guard),
    actions: list(actions).map(nameOf),
    target: to?.path.join('.'),
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
