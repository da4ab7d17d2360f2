import type { MachineDefinition, StateDefinition, TransitionDefinition } from '../../protocol/inspect.ts';

/** One way out of a state, or one thing done in it, as it is drawn. */
export interface ChartTransition {
  /** Unique in its chart. */
  readonly id: string;
  /** The state's path; empty for the machine itself. */
  readonly source: string;
  /** Its type; empty where no event is needed. */
  readonly event: string;
  readonly guard: string | undefined;
  /** It is taken where none of the guards before it holds. */
  readonly isElse: boolean;
  readonly delay: string | undefined;
  /** Paths. None: the state stays. */
  readonly targets: readonly string[];
  readonly actions: readonly string[];
  readonly description: string | undefined;
}

/** One state of a chart. */
export interface ChartState {
  /** `a.b` for `b` in `a`. */
  readonly path: string;
  readonly name: string;
  readonly type: StateDefinition['type'];
  /** The path of the state that it is in; empty for the outermost. */
  readonly parent: string;
  readonly isInitial: boolean;
  readonly description: string | undefined;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly tags: readonly string[];
  /** What is heard here and leaves the state as it is. */
  readonly stays: readonly ChartTransition[];
}

/** All transitions from one state to another, drawn as one line. */
export interface ChartEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly transitions: readonly ChartTransition[];
}

/** A machine as a graph. */
export interface ChartGraph {
  readonly id: string;
  readonly description: string | undefined;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** An outer state comes before those inside it. */
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
  /** What is heard in every state. */
  readonly everywhere: readonly ChartTransition[];
}

/**
 * Makes the graph of a machine. What makes a chart of forty transitions readable: those between the same two states
 * become one edge, and those that lead nowhere become lines in their state's box.
 */
export function graphOf(machine: MachineDefinition): ChartGraph {
  const states: ChartState[] = [];
  const edges = new Map<string, { source: string; target: string; transitions: ChartTransition[] }>();

  const visit = (path: string, name: string, parent: string, state: StateDefinition, isInitial: boolean) => {
    const transitions = transitionsOf(path, state.on);
    const { type, description, entry, exit, tags = [] } = state;
    const stays = transitions.filter(
      ({ targets }) => targets.length === 0 || targets.every((target) => target === path),
    );
    states.push({ path, name, type, parent, isInitial, description, entry, exit, tags, stays });
    for (const transition of transitions) {
      if (stays.includes(transition)) continue;
      for (const target of transition.targets) {
        const id = `${path}→${target}`;
        const edge = edges.get(id) ?? { source: path, target, transitions: [] };
        edge.transitions.push(transition);
        edges.set(id, edge);
      }
    }
    for (const [inner, child] of Object.entries(state.states ?? {})) {
      visit(`${path}.${inner}`, inner, path, child, type === 'parallel' || inner === state.initial);
    }
  };
  for (const [name, state] of Object.entries(machine.states)) visit(name, name, '', state, name === machine.initial);

  return {
    id: machine.id,
    description: machine.description,
    entry: machine.entry,
    exit: machine.exit,
    states,
    edges: [...edges].map(([id, edge]) => ({ id, ...edge })),
    everywhere: transitionsOf('', machine.on),
  };
}

function transitionsOf(source: string, on: readonly TransitionDefinition[]): ChartTransition[] {
  return on.map(({ event, guard, delay, targets, actions, description }, index) => ({
    id: `${source}#${index}`,
    source,
    event,
    guard,
    isElse: guard === undefined && on.slice(0, index).some((other) => other.event === event),
    delay,
    targets,
    actions,
    description,
  }));
}

/** What stands on a transition: its event, and on what condition. */
export function labelOf({ event, guard, delay, isElse }: ChartTransition): string {
  const name = delay !== undefined ? `after ${delay}` : event === '' ? 'always' : event;
  if (guard !== undefined) return `${name} [${guard}]`;
  return isElse ? `${name} [else]` : name;
}
