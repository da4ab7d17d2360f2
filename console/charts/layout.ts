import type { ElkExtendedEdge, ElkLabel, ElkNode } from 'elkjs/lib/elk-api.js';
import type { Arrangement } from './arrangements.ts';
import { type ChartEdge, type ChartGraph, type ChartState, type ChartTransition, labelOf } from './graph.ts';

import { lineWidth, nameWidth } from './text-widths.ts';

/** Sizes that the layout and the drawing agree on. Pixels. */
export const sizes = {
  /** Of the texts in boxes and on edges. */
  line: 13.5,
  /** The line with a state's name. */
  header: 22,
  padding: 7,
  minWidth: 92,
  /** Beside a name: the light of an active state. */
  lamp: 16,
  /** Where a chart begins. */
  dot: 10,
} as const;

/** A place in a chart. Pixels from its top left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A place with an extent. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** Where everything of a chart goes. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly states: readonly { readonly state: ChartState; readonly box: Box }[];
  readonly edges: readonly {
    readonly edge: ChartEdge;
    readonly points: readonly Point[];
    readonly label: Box | undefined;
  }[];
  /** Where the chart and its nested states begin. */
  readonly starts: readonly { readonly path: string; readonly dot: Point; readonly points: readonly Point[] }[];
}

/** Longer labels than this are broken before their guard. */
const LABEL_CHARS = 16;
/** An edge has the names of so many transitions on it; of more than that the last line says how many there are besides. */
const LABEL_TRANSITIONS = 4;

/** What is asked of ELK for a graph. */
export function elkGraphOf(graph: ChartGraph, { options }: Arrangement): ElkNode {
  const starts = firstStatesOf(graph);
  const childrenOf = (parent: string): ElkNode[] =>
    graph.states
      .filter((state) => state.parent === parent)
      .flatMap((state) => {
        const node = elkNodeOf(state, childrenOf(state.path));
        return starts.includes(state) ? [startOf(state), node] : [node];
      });
  return {
    id: '',
    layoutOptions: { ...options },
    children: childrenOf(''),
    edges: [
      ...starts.map(({ path }) => ({ id: `${path}#start`, sources: [`${path}#dot`], targets: [path] })),
      ...graph.edges.map(elkEdgeOf),
    ],
  };
}

/** The lines in a state's box, below its name. */
export function boxLinesOf(state: ChartState): { id: string; text: string }[] {
  return [
    ...state.entry.map((action, index) => ({ id: `entry#${index}`, text: `entry / ${action}` })),
    ...state.exit.map((action, index) => ({ id: `exit#${index}`, text: `exit / ${action}` })),
    ...state.stays.map((transition) => ({ id: transition.id, text: `↺ ${labelOf(transition)}` })),
  ];
}

/** The lines on an edge. A long guard has a line of its own: narrow labels make narrow charts. */
export function edgeLinesOf(transitions: readonly ChartTransition[]): { transition: ChartTransition; text: string }[] {
  const [besides] = transitions.slice(LABEL_TRANSITIONS - 1);
  if (besides && transitions.length > LABEL_TRANSITIONS) {
    const named = transitions.slice(0, LABEL_TRANSITIONS - 1);
    const text = `+ ${transitions.length - named.length} more`;
    return [...edgeLinesOf(named), { transition: besides, text }];
  }
  return transitions.flatMap((transition) => {
    const whole = labelOf(transition);
    const guard = whole.indexOf(' [');
    if (whole.length <= LABEL_CHARS || guard < 0) return [{ transition, text: whole }];
    return [whole.slice(0, guard), `  ${whole.slice(guard + 1)}`].map((text) => ({ transition, text }));
  });
}

/** Puts ELK's answer and the graph together. */
export function layoutOf(graph: ChartGraph, laidOut: ElkNode): Layout {
  const nodes = new Map<string, ElkNode>();
  const collect = (node: ElkNode) => {
    nodes.set(node.id, node);
    for (const child of node.children ?? []) collect(child);
  };
  collect(laidOut);
  const edges = new Map((laidOut.edges ?? []).map((edge) => [edge.id, edge]));
  return {
    width: laidOut.width ?? 0,
    height: laidOut.height ?? 0,
    states: graph.states.map((state) => ({ state, box: boxOf(nodes.get(state.path)) })),
    edges: graph.edges.map((edge) => {
      const placed = edges.get(edge.id);
      const [label] = placed?.labels ?? [];
      return { edge, points: pointsOf(placed), label: label && boxOf(label) };
    }),
    starts: firstStatesOf(graph).map(({ path }) => {
      const dot = centreOf(boxOf(nodes.get(`${path}#dot`)));
      return { path, dot, points: pointsOf(edges.get(`${path}#start`)) };
    }),
  };
}

function elkNodeOf(state: ChartState, children: ElkNode[]): ElkNode {
  const lines = boxLinesOf(state);
  const head = sizes.header + lines.length * sizes.line + (lines.length > 0 ? sizes.padding : 0);
  const text = Math.max(nameWidth(state.name) + sizes.lamp, ...lines.map((line) => lineWidth(line.text)));
  const width = Math.ceil(Math.max(sizes.minWidth, text + 2 * sizes.padding + 2));
  if (children.length === 0) return { id: state.path, width, height: head };
  return {
    id: state.path,
    children,
    layoutOptions: {
      'elk.padding': `[top=${head + 6},left=10,bottom=10,right=10]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${head})`,
    },
  };
}

function startOf({ path }: ChartState): ElkNode {
  return {
    id: `${path}#dot`,
    width: sizes.dot,
    height: sizes.dot,
    layoutOptions: { 'elk.layered.layering.layerConstraint': 'FIRST' },
  };
}

function elkEdgeOf({ id, source, target, transitions }: ChartEdge): ElkExtendedEdge {
  const lines = edgeLinesOf(transitions).map(({ text }) => text);
  const label: ElkLabel = {
    text: lines.join('\n'),
    width: Math.ceil(Math.max(...lines.map(lineWidth))) + 8,
    height: lines.length * sizes.line + 2,
    layoutOptions: { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' },
  };
  return { id, sources: [source], targets: [target], labels: [label] };
}

/** The states that a chart, or one of its states, begins in. All regions of a parallel state are entered: those are none. */
export function firstStatesOf({ states }: ChartGraph): ChartState[] {
  const isParallel = (outer: string) => states.some(({ path, type }) => path === outer && type === 'parallel');
  return states.filter(({ isInitial, parent }) => isInitial && !isParallel(parent));
}

function pointsOf(edge: ElkExtendedEdge | undefined): Point[] {
  return (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
    startPoint,
    ...bendPoints,
    endPoint,
  ]);
}

function boxOf(shape: { x?: number; y?: number; width?: number; height?: number } | undefined): Box {
  return { x: shape?.x ?? 0, y: shape?.y ?? 0, width: shape?.width ?? 0, height: shape?.height ?? 0 };
}

const centreOf = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 });
