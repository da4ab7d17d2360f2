import './chart.css';
import './chart-window.css';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { ChartBoxes, ChartGrounds, ChartLines, type Subject } from './chart-drawing.tsx';
import { ChartWords } from './chart-words.tsx';
import { farNames } from './far-names.ts';
import { EdgeFlashes, LineFlashes } from './flash-layer.tsx';
import type { Layout } from './layout.ts';
import { Minimap } from './minimap.tsx';
import type { WatchedActor } from './model.ts';
import { SubjectNote } from './subject-note.tsx';
import { type ChartSource, useChart } from './use-chart.ts';
import { useSize, useViewport } from './use-viewport.ts';
import { fittest, isFar, isInSight, LEAST_TEXT_PX, type Viewport } from './viewport.ts';
import { feed } from './watching.ts';
import { wayOf, withOuter } from './way.ts';

export type { ChartSource } from './use-chart.ts';

/** The statechart that an actor runs, with where it stands and which way it went. */
export function ChartView({ actor, source = feed }: { actor: WatchedActor; source?: ChartSource }) {
  const { graph, layouts, problem, follower } = useChart(actor, source);
  const [hovered, setHovered] = useState<Subject>();
  const [chosen, setChosen] = useState<Subject>();
  useEffect(() => setChosen(undefined), [graph]);
  const subject = hovered ?? chosen;
  const choose = useCallback(
    (next: Subject) => setChosen((old) => (old?.kind === next.kind && old.id === next.id ? undefined : next)),
    [],
  );

  const activeKey = actor.state.join(' ');
  const active = useMemo(() => new Set(activeKey.split(' ').flatMap(withOuter)), [activeKey]);
  const trailKey = [...(follower?.trail.keys() ?? [])].join(' ');
  const trail = useMemo(() => new Set(trailKey.split(' ')), [trailKey]);
  const [isWayOnly, setWayOnly] = useState(false);

  const [frame, setFrame] = useState<HTMLDivElement | null>(null);
  const window = useSize(frame);
  const layout = useMemo(() => layouts && fittest(window, layouts), [layouts, window]);
  const drawn = useMemo(
    () => (layout && isWayOnly ? wayOf(layout, trail, active) : layout),
    [layout, isWayOnly, trail, active],
  );
  const places = layout ? placesOf(layout, actor) : [];
  const { view, onKeyDown, ...controls } = useViewport({ element: frame, window, drawn, layout, places });
  const isOver = actor.status !== 'active';
  const drawing = { active, isOver, trail, subject, onSubject: setHovered, onChoose: choose };

  if (!graph) return <p class="empty">The daemon has sent no chart of a machine named {actor.machine}.</p>;
  return (
    <section class="chart" aria-label={`Chart of ${actor.name}`}>
      <div class="chart-window">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form */}
        <div
          ref={setFrame}
          class="chart-frame"
          role="group"
          aria-label="Drawing; arrow keys move it, plus and minus enlarge it, 0 shows all of it, Home where it stands"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it is moved about by keys
          tabIndex={0}
          onKeyDown={onKeyDown}
        >
          {problem === undefined ? null : (
            <p class="problem" role="alert">
              The chart could not be laid out: {problem}. It is below in words; reload the page to try again.
            </p>
          )}
          {drawn || problem !== undefined ? null : <p class="empty chart-wait">Laying the chart out…</p>}
          {drawn && view ? (
            <svg class={`chart-svg${isFar(view) ? ' far' : ''}`} width="100%" height="100%" role="presentation">
              <Markers />
              <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
                <ChartGrounds {...drawing} layout={drawn} />
                <ChartLines {...drawing} layout={drawn} />
                {follower ? <EdgeFlashes layout={drawn} flashes={follower.flashes} /> : null}
                <ChartBoxes {...drawing} layout={drawn} />
                {follower ? <LineFlashes layout={drawn} flashes={follower.flashes} /> : null}
                {isFar(view) ? <FarNames layout={drawn} scale={view.scale} active={active} /> : null}
              </g>
            </svg>
          ) : null}
        </div>
        {layout && drawn && view && !isInSight(view, window, { x: 0, y: 0, ...drawn }) ? (
          <Minimap {...{ layout, view, window, active, places }} onPoint={controls.centre} />
        ) : null}
        <div class="chart-tools">
          {isWayOnly && follower?.knowsBeginning === false ? (
            <p class="soft">how it came here, before it was watched, is not known</p>
          ) : null}
          {view && places.some((place) => !isInSight(view, window, place)) ? (
            <button type="button" class="small" onClick={controls.follow}>
              Where it stands
            </button>
          ) : null}
          <button
            type="button"
            class="small"
            aria-pressed={isWayOnly}
            onClick={() => {
              setWayOnly(!isWayOnly);
              controls.follow();
            }}
          >
            Only the way taken
          </button>
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
      </div>
      <SubjectNote graph={graph} subject={subject} state={actor.state} trail={follower?.trail} />
      <ChartWords graph={graph} active={active} trail={trail} />
    </section>
  );
}

/** Where the actor stands; last what moved last. */
function placesOf(layout: Layout, { state, transitions }: WatchedActor): Layout['states'][number]['box'][] {
  const before = transitions.at(-1)?.previous ?? [];
  const inOrder = [...state].sort((a, b) => Number(!before.includes(a)) - Number(!before.includes(b)));
  return inOrder.flatMap((path) => layout.states.find((placed) => placed.state.path === path)?.box ?? []);
}

/** What is left of the texts where they would be too small: they are in words below the drawing. */
function FarNames({
  layout,
  scale,
  active,
}: {
  layout: Layout;
  scale: Viewport['scale'];
  active: ReadonlySet<string>;
}) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; the states have their names already
    <g aria-hidden="true">
      {farNames(layout, scale, active).map(({ path, name, x, y }) => (
        <text key={path} class="far-name" x={x} y={y} style={{ fontSize: `${LEAST_TEXT_PX / scale}px` }}>
          {name}
        </text>
      ))}
    </g>
  );
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
