import type { ChartEdge, ChartGraph, ChartTransition } from './graph.ts';

/** What of a chart a step went along: edges by id, and lines in boxes by their transition's id. */
export interface Taken {
  readonly edges: readonly string[];
  readonly stays: readonly string[];
}

/** One step of a chart, as the feed tells of it. */
export interface Step {
  readonly event: string;
  readonly previous: readonly string[];
  readonly state: readonly string[];
  /** The states in between, which were left at once. */
  readonly through?: readonly (readonly string[])[] | undefined;
}

/**
 * Which way a step went. States that are left at once (`always`) lie between its ends; where the feed does not tell of
 * them they are found on the way.
 */
export function takenBy(graph: ChartGraph, { event, previous, state, through = [] }: Step): Taken {
  if (through.length > 0) {
    const stops = [previous, ...through, state];
    const legs = stops.slice(1).map((next, index) => {
      const leg = { event: index === 0 ? event : '', previous: stops[index] ?? [], state: next };
      return takenBy(graph, leg).edges;
    });
    return { edges: [...new Set(legs.flat())], stays: [] };
  }
  const goals = new Set(state.filter((path) => !previous.includes(path)));
  if (goals.size === 0) return { edges: [], stays: staysFor(graph, event, state) };
  const edges = new Set<string>();
  for (const from of previous) {
    for (const source of outwards(from)) {
      const path = search(graph, source, event, goals);
      for (const { id } of path) edges.add(id);
      if (path.length > 0) break;
    }
  }
  return { edges: [...edges], stays: [] };
}

/**
 * The edges from where a chart begins to the first state that was seen of an actor: the feed tells of no step before that.
 * Undefined where it may have come there in another way, having run for a while before somebody looked.
 */
export function beginningOf(graph: ChartGraph, state: readonly string[]): readonly string[] | undefined {
  const initial = graph.states.filter(({ isInitial, parent }) => isInitial && parent === '').map(({ path }) => path);
  const hasOneWay = (path: string) => {
    return graph.edges.filter(({ target }) => target === path).length <= (initial.includes(path) ? 0 : 1);
  };
  const { edges } = takenBy(graph, { event: '', previous: initial, state });
  const isThere = edges.length > 0 || state.some((path) => outwards(path).some((one) => initial.includes(one)));
  const targets = [...initial, ...graph.edges.filter(({ id }) => edges.includes(id)).map(({ target }) => target)];
  return isThere && targets.every(hasOneWay) ? edges : undefined;
}

/**
 * The lines that an event may have taken in these states: guards are not known here, so it may be several. What an inner
 * state hears in any case, no state around it hears.
 */
export function staysFor(graph: ChartGraph, event: string, state: readonly string[]): string[] {
  const active = new Set(state.flatMap(outwards));
  const inside = graph.states.filter(({ path }) => active.has(path));
  const isTaken = (path: string) =>
    inside.some(
      (inner) =>
        inner.path.startsWith(`${path}.`) &&
        inner.stays.some((line) => line.event === event && line.guard === undefined),
    );
  const lines = inside.filter(({ path }) => !isTaken(path)).flatMap(({ stays }) => stays);
  return [...lines, ...graph.everywhere]
    .filter((line) => line.event === event && line.targets.length === 0)
    .map(({ id }) => id);
}

/** A state and those around it, the innermost first. */
function outwards(path: string): string[] {
  const parts = path.split('.');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.'));
}

/** The shortest way: its first edge for the event, the others for none. */
function search(graph: ChartGraph, source: string, event: string, goals: ReadonlySet<string>): ChartEdge[] {
  const hears = (edge: ChartEdge, wanted: string) => edge.transitions.some((transition) => isFor(transition, wanted));
  let ways = graph.edges.filter((edge) => edge.source === source && hears(edge, event)).map((edge) => [edge]);
  const seen = new Set<string>();
  while (ways.length > 0) {
    const arrived = ways.find((way) => isWithin(way.at(-1)?.target ?? '', goals));
    if (arrived) return arrived;
    ways = ways.flatMap((way) => {
      const at = way.at(-1)?.target ?? '';
      if (seen.has(at)) return [];
      seen.add(at);
      return graph.edges.filter((edge) => edge.source === at && hears(edge, '')).map((edge) => [...way, edge]);
    });
  }
  return [];
}

const isFor = (transition: ChartTransition, event: string): boolean => transition.event === event;

/** Whether a state is one of these, or around one: entering it enters what it begins with. */
function isWithin(path: string, goals: ReadonlySet<string>): boolean {
  for (const goal of goals) if (goal === path || goal.startsWith(`${path}.`)) return true;
  return false;
}
