import type { Layout } from './layout.ts';
import { around } from './viewport.ts';

/** What is left of a chart where nothing is drawn but the way that was taken, and how far that extends. */
export interface Way extends Layout {
  readonly x: number;
  readonly y: number;
}

/**
 * The states and edges that an actor went through, each where it is in the whole chart. Its first state and the active ones
 * are of the way, and whatever holds others of it.
 * @param trail the edges that were taken, by id. @param active paths.
 */
export function wayOf(layout: Layout, trail: ReadonlySet<string>, active: ReadonlySet<string>): Way {
  const edges = layout.edges.filter(({ edge }) => trail.has(edge.id));
  const ends = [...edges.flatMap(({ edge }) => [edge.source, edge.target]), ...active];
  const paths = new Set(ends.flatMap(withOuter));
  const states = layout.states.filter(({ state }) => paths.has(state.path));
  const starts = layout.starts.filter(({ path }) => paths.has(path));
  const points = [...edges, ...starts].flatMap((line) => line.points);
  const drawn = around([
    ...states.map(({ box }) => box),
    ...edges.flatMap(({ label }) => label ?? []),
    ...[...points, ...starts.map(({ dot }) => dot)].map(({ x, y }) => ({ x: x - 5, y: y - 5, width: 10, height: 10 })),
  ]);
  return { ...(drawn ?? { x: 0, y: 0, width: layout.width, height: layout.height }), states, edges, starts };
}

/** A state's path, and those of the states around it. */
export function withOuter(path: string): string[] {
  const parts = path.split('.');
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
}
