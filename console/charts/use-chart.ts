import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useReducer, useState } from 'preact/hooks';
import type { MachineDefinition } from '../../protocol/inspect.ts';
import { layOut, prepare } from './elk.ts';
import { Follower } from './flashes.ts';
import { type ChartGraph, graphOf } from './graph.ts';
import type { Layout } from './layout.ts';
import type { WatchedActor } from './model.ts';

/** Where charts come from, and what tells that an actor has changed. */
export interface ChartSource {
  readonly version: ReadonlySignal<number>;
  readonly model: { readonly machines: Readonly<Record<string, MachineDefinition>> };
}

/** The chart that an actor runs, where everything of it goes, and what it has passed. */
export interface Chart {
  /** Undefined: there is no definition of it. The same object as long as it is the same chart. */
  graph: ChartGraph | undefined;
  /** One for each way in which it can lie; undefined until they are there. */
  layouts: readonly Layout[] | undefined;
  /** Why there are none. */
  problem: string | undefined;
  follower: Follower | undefined;
}

/** Reads an actor's chart, and draws anew when that, or the actor, has changed. */
export function useChart(actor: WatchedActor, source: ChartSource): Chart {
  const { value: version } = source.version;
  const definition = source.model.machines[actor.machine];
  const graph = useMemo(() => definition && graphOf(definition), [definition]);
  const [laidOut, setLaidOut] = useState<{ graph: ChartGraph; layouts?: readonly Layout[]; problem?: string }>();
  useEffect(() => {
    if (!graph) return;
    let isOver = false;
    layOut(graph).then(
      (layouts) => {
        if (!isOver) setLaidOut({ graph, layouts });
        prepare(() => Object.values(source.model.machines).map(graphOf));
      },
      (error: unknown) => {
        if (!isOver) setLaidOut({ graph, problem: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => {
      isOver = true;
    };
  }, [graph]);
  const follower = useMemo(() => graph && new Follower(graph, actor), [graph, actor]);
  useFlashes(follower, version);
  const { layouts, problem } = laidOut?.graph === graph ? (laidOut ?? {}) : {};
  return { graph, layouts, problem, follower };
}

/** Takes what the actor has just done before it is seen, and again when the last flash has faded. */
function useFlashes(follower: Follower | undefined, version: number): void {
  const [drawing, redraw] = useReducer((count: number) => count + 1, 0);
  useLayoutEffect(() => {
    if (follower?.update(Date.now())) redraw(undefined);
  }, [follower, version]);
  useEffect(() => {
    const last = follower?.flashes.at(-1);
    if (!follower || !last) return;
    const fade = () => {
      if (follower.update(Date.now())) redraw(undefined);
    };
    const timer = setTimeout(fade, Math.max(0, last.until - Date.now()) + 20);
    return () => clearTimeout(timer);
  }, [follower, drawing]);
}
