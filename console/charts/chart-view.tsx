import type { ReadonlySignal } from '@preact/signals';
import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import type { MachineDefinition } from '../../protocol/inspect.ts';
import { ChartBoxes, ChartGrounds, ChartLines, type Subject } from './chart-drawing.tsx';
import { ChartWords } from './chart-words.tsx';
import { layOut, prepare } from './elk.ts';
import { EdgeFlashes, LineFlashes } from './flash-layer.tsx';
import { Follower } from './flashes.ts';
import { graphOf } from './graph.ts';
import type { Layout } from './layout.ts';
import type { WatchedActor } from './model.ts';
import { SubjectNote } from './subject-note.tsx';
import { useViewport } from './use-viewport.ts';
import { feed } from './watching.ts';

/** Where charts come from, and what tells that an actor has changed. */
export interface ChartSource {
  readonly version: ReadonlySignal<number>;
  readonly model: { readonly machines: Readonly<Record<string, MachineDefinition>> };
}

/** The statechart that an actor runs, with where it stands and which way it went. */
export function ChartView({ actor, source = feed }: { actor: WatchedActor; source?: ChartSource }) {
  void source.version.value;
  const definition = source.model.machines[actor.machine];
  // The same object as long as it is the same chart.
  const graph = useMemo(() => definition && graphOf(definition), [definition]);
  const [layout, setLayout] = useState<Layout>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (!graph) return;
    let isOver = false;
    setProblem(undefined);
    layOut(graph, 'DOWN').then(
      (done) => {
        if (!isOver) setLayout(done);
        prepare(() => Object.values(source.model.machines).map(graphOf));
      },
      (error: unknown) => !isOver && setProblem(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      isOver = true;
    };
  }, [graph]);

  const follower = useMemo(() => graph && new Follower(graph, actor), [graph, actor]);
  useFlashes(follower, source);
  const [hovered, setHovered] = useState<Subject>();
  const [chosen, setChosen] = useState<Subject>();
  useEffect(() => setChosen(undefined), [graph]);
  const subject = hovered ?? chosen;

  const activeKey = actor.state.join(' ');
  const active = useMemo(() => new Set(activeKey.split(' ').flatMap(withOuter)), [activeKey]);
  const trailKey = [...(follower?.trail.keys() ?? [])].join(' ');
  const trail = useMemo(() => new Set(trailKey.split(' ')), [trailKey]);
  const isShown =
    layout &&
    graph &&
    layout.states.length === graph.states.length &&
    layout.states[0]?.state.path === graph.states[0]?.path;
  const shown = isShown ? layout : undefined;
  const frame = useRef<HTMLDivElement>(null);
  const place = shown?.states.find(({ state }) => state.path === actor.state.at(-1))?.box;
  const { view, onKeyDown, ...controls } = useViewport(frame, shown, place);
  const choose = useCallback(
    (next: Subject) => setChosen((old) => (old?.kind === next.kind && old.id === next.id ? undefined : next)),
    [],
  );
  const isOver = actor.status !== 'active';
  const drawing = { active, isOver, trail, subject, onSubject: setHovered, onChoose: choose };

  if (!graph) return <p class="empty">The daemon has sent no chart of a machine named {actor.machine}.</p>;
  return (
    <section class="chart" aria-label={`Chart of ${actor.name}`}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form */}
      <div
        ref={frame}
        class="chart-frame"
        role="group"
        aria-label="Drawing; arrow keys move it, plus and minus enlarge it, 0 shows all of it"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is moved about by keys
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {problem === undefined ? null : (
          <p class="problem" role="alert">
            The chart could not be laid out: {problem}. It is below in words; reload the page to try again.
          </p>
        )}
        {shown || problem !== undefined ? null : <p class="empty chart-wait">Laying the chart out…</p>}
        {shown && view ? (
          <svg class="chart-svg" width="100%" height="100%" role="presentation">
            <Markers />
            <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
              <ChartGrounds {...drawing} layout={shown} />
              <ChartLines {...drawing} layout={shown} />
              {follower ? <EdgeFlashes layout={shown} flashes={follower.flashes} /> : null}
              <ChartBoxes {...drawing} layout={shown} />
              {follower ? <LineFlashes layout={shown} flashes={follower.flashes} /> : null}
            </g>
          </svg>
        ) : null}
      </div>
      <div class="chart-tools">
        <button type="button" class="small" aria-label="Smaller" onClick={controls.zoomOut}>
          −
        </button>
        <button type="button" class="small" aria-label="Larger" onClick={controls.zoomIn}>
          +
        </button>
        <button type="button" class="small" onClick={controls.showAll}>
          Fit
        </button>
      </div>
      <SubjectNote graph={graph} subject={subject} state={actor.state} trail={follower?.trail} />
      <ChartWords graph={graph} active={active} />
    </section>
  );
}

/** Takes what the actor has just done before it is seen, and again when the last flash has faded. */
function useFlashes(follower: Follower | undefined, source: ChartSource): void {
  const [drawing, redraw] = useReducer((count: number) => count + 1, 0);
  const { value: version } = source.version;
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

function Markers() {
  return (
    <defs>
      {['arrow', 'taken', 'subject', 'flash'].map((kind) => (
        <marker
          key={kind}
          id={`chart-${kind}`}
          class={`chart-head ${kind}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          markerUnits="userSpaceOnUse"
          orient="auto-start-reverse"
        >
          <path d="M0 0.8L8 4L0 7.2z" />
        </marker>
      ))}
    </defs>
  );
}

/** A state's path, and those of the states around it. */
function withOuter(path: string): string[] {
  const parts = path.split('.');
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
}
