import { memo } from 'preact/compat';
import { END_SIGNS, endOf } from './ends.ts';
import type { ChartEdge, ChartState } from './graph.ts';
import { type Box, boxLinesOf, edgeLinesOf, type Layout, type Point, sizes } from './layout.ts';

/** What is looked at more closely: a state by its path, or an edge by its id. */
export interface Subject {
  kind: 'state' | 'edge';
  id: string;
}

interface DrawingProps {
  layout: Layout;
  /** Paths of the active states and of those around them. */
  active: ReadonlySet<string>;
  /** The actor has ended: its last state is marked, but no longer lit. */
  isOver: boolean;
  /** Edges that were taken, by id. */
  trail: ReadonlySet<string>;
  subject: Subject | undefined;
  onSubject(subject: Subject | undefined): void;
  onChoose(subject: Subject): void;
}

const isOf = (subject: Subject | undefined, edge: ChartEdge): boolean =>
  subject?.kind === 'edge' ? edge.id === subject.id : edge.source === subject?.id || edge.target === subject?.id;

/** Whatever is looked at lies on top. */
function inOrder({ layout, subject }: DrawingProps): Layout['edges'] {
  if (!subject) return layout.edges;
  return [...layout.edges].sort((a, b) => Number(isOf(subject, a.edge)) - Number(isOf(subject, b.edge)));
}

/** The states that hold others: under everything, for the lines of those lie on them. */
export const ChartGrounds = memo(function ChartGrounds(props: DrawingProps) {
  return <g>{boxesOf(props, true)}</g>;
});

/** The lines of a chart. What is passed lights up over them, and the texts stand over that. */
export const ChartLines = memo(function ChartLines(props: DrawingProps) {
  const { layout, subject } = props;
  return (
    <g class={subject ? 'has-subject' : undefined}>
      {layout.starts.map(({ path, dot, points }) => (
        <g key={path} class="chart-start">
          <path class="edge-line" d={pathOf(points)} marker-end="url(#chart-arrow)" />
          <circle cx={dot.x} cy={dot.y} r={sizes.dot / 2} />
        </g>
      ))}
      {inOrder(props).map((placed) => (
        <EdgeLine key={placed.edge.id} placed={placed} isSubject={isOf(subject, placed.edge)} {...props} />
      ))}
    </g>
  );
});

/** The innermost states of a chart, and the texts on its lines. */
export const ChartBoxes = memo(function ChartBoxes(props: DrawingProps) {
  const { subject } = props;
  return (
    <g class={subject ? 'has-subject' : undefined}>
      {boxesOf(props, false)}
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; in words it stands below the drawing */}
      <g aria-hidden="true">
        {inOrder(props).map((placed) => (
          <EdgeLabel key={placed.edge.id} placed={placed} isSubject={isOf(subject, placed.edge)} {...props} />
        ))}
      </g>
    </g>
  );
});

function boxesOf(props: DrawingProps, isOuter: boolean) {
  const { states } = props.layout;
  const outer = new Set(states.map(({ state }) => state.parent));
  return states
    .filter(({ state }) => outer.has(state.path) === isOuter)
    .flatMap((placed) => [
      <StateBox key={placed.state.path} placed={placed} {...props} />,
      <StateLines key={`${placed.state.path} lines`} placed={placed} {...props} />,
    ]);
}

/** What is written in a state's box below its name. Beside the button that it is: what is called is the name. */
function StateLines({ placed: { state, box }, active, isOver }: DrawingProps & { placed: Layout['states'][number] }) {
  const lines = boxLinesOf(state);
  if (lines.length === 0) return null;
  return (
    <g class={stateClass(state.type, active.has(state.path), isOver)} pointer-events="none">
      {lines.map((line, index) => (
        <text key={line.id} class="state-line" x={box.x + sizes.padding} y={lineY(box, index)}>
          {line.text}
        </text>
      ))}
    </g>
  );
}

const stateClass = (type: string, isActive: boolean, isOver: boolean): string =>
  `chart-state ${type}${isActive ? (isOver ? ' active over' : ' active') : ''}`;

function StateBox({
  placed,
  active,
  isOver,
  onSubject,
  onChoose,
}: DrawingProps & { placed: Layout['states'][number] }) {
  const { state, box } = placed;
  const isActive = active.has(state.path);
  const subject: Subject = { kind: 'state', id: state.path };
  const end = state.type === 'final' ? endOf(state.name) : undefined;
  const words = [state.name, isActive ? (isOver ? 'where it ended' : 'active') : '', state.description ?? ''];
  return (
    // biome-ignore lint/a11y/useSemanticElements: inside SVG there is no button
    <g
      class={stateClass(state.type, isActive, isOver)}
      data-end={end}
      role="button"
      tabIndex={0}
      aria-label={words.filter((word) => word !== '').join(', ')}
      aria-current={isActive ? 'true' : undefined}
      onPointerEnter={() => onSubject(subject)}
      onPointerLeave={() => onSubject(undefined)}
      onFocus={() => onSubject(subject)}
      onBlur={() => onSubject(undefined)}
      onClick={() => onChoose(subject)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onChoose(subject);
      }}
    >
      <rect class="state-box" x={box.x} y={box.y} width={box.width} height={box.height} rx="5" />
      {state.type === 'final' ? (
        <rect
          class="state-inner"
          x={box.x + 2.5}
          y={box.y + 2.5}
          width={box.width - 5}
          height={box.height - 5}
          rx="3"
        />
      ) : null}
      <Sign state={state} box={box} isActive={isActive} />
      <text class="state-name" x={box.x + sizes.padding} y={box.y + 15.5}>
        {state.name}
      </text>
    </g>
  );
}

/** Beside a state's name: what its end means, or that it is active. */
function Sign({ state, box, isActive }: { state: ChartState; box: Box; isActive: boolean }) {
  const end = state.type === 'final' ? endOf(state.name) : undefined;
  const x = box.x + box.width - sizes.lamp;
  if (end) return <path class="end-sign" d={END_SIGNS[end]} transform={`translate(${x} ${box.y + 6})`} />;
  return isActive ? <circle class="lamp" cx={x + 5} cy={box.y + sizes.header / 2} r="4" /> : null;
}

interface EdgeProps extends DrawingProps {
  placed: Layout['edges'][number];
  isSubject: boolean;
}

const classOf = ({ placed: { edge }, isSubject, trail }: EdgeProps): string =>
  `chart-edge${trail.has(edge.id) ? ' taken' : ''}${isSubject ? ' subject' : ''}`;

/** What both parts of an edge do when they are pointed at. */
function pointing({ placed: { edge }, onSubject, onChoose }: EdgeProps) {
  const subject: Subject = { kind: 'edge', id: edge.id };
  return {
    onPointerEnter: () => onSubject(subject),
    onPointerLeave: () => onSubject(undefined),
    onClick: () => onChoose(subject),
  };
}

function EdgeLine(props: EdgeProps) {
  const { placed, isSubject, trail } = props;
  const d = pathOf(placed.points);
  const marker = isSubject ? 'subject' : trail.has(placed.edge.id) ? 'taken' : 'arrow';
  return (
    <g class={classOf(props)} {...pointing(props)}>
      <path class="edge-reach" d={d} />
      <path class="edge-line" d={d} marker-end={`url(#chart-${marker})`} />
    </g>
  );
}

function EdgeLabel(props: EdgeProps) {
  const { edge, label } = props.placed;
  if (!label) return null;
  return (
    <g class={classOf(props)} {...pointing(props)}>
      <rect class="edge-ground" x={label.x} y={label.y} width={label.width} height={label.height} rx="2" />
      {edgeLinesOf(edge.transitions).map(({ transition, text }, index) => (
        <text key={`${transition.id}/${text}`} class="edge-label" x={label.x + 4} y={label.y + 11 + index * sizes.line}>
          {text}
        </text>
      ))}
    </g>
  );
}

/** The foot of a line of text in a state's box. */
export const lineY = (box: Box, index: number): number => box.y + sizes.header + 9 + index * sizes.line;

/** A line along points, its corners a little rounded. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const parts = [`M${first.x} ${first.y}`];
  rest.forEach((point, index) => {
    const before = index === 0 ? first : rest[index - 1];
    const after = rest[index + 1];
    if (!before || !after) {
      parts.push(`L${point.x} ${point.y}`);
      return;
    }
    const radius = Math.min(5, distance(before, point) / 2, distance(point, after) / 2);
    const a = towards(point, before, radius);
    const b = towards(point, after, radius);
    parts.push(`L${a.x} ${a.y}Q${point.x} ${point.y} ${b.x} ${b.y}`);
  });
  return parts.join('');
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

function towards(from: Point, to: Point, length: number): Point {
  const whole = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) * length) / whole, y: from.y + ((to.y - from.y) * length) / whole };
}
