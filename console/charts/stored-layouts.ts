import { ARRANGEMENTS } from './arrangements.ts';
import type { ChartGraph } from './graph.ts';
import { type Box, elkGraphOf, firstStatesOf, type Layout, type Point } from './layout.ts';

/*
 * Charts are laid out when the console is built: their machines do not change while a daemon runs. Of each layout the places
 * are stored, as plain numbers; the names come with the graph.
 */

/** Places as numbers, in the order of the graph's states and edges. */
export interface StoredLayout {
  /** Of the whole chart. */
  readonly size: readonly [width: number, height: number];
  /** Of each state. */
  readonly states: readonly (readonly number[])[];
  /** Of each edge: its points, and the box of its label if it has one. */
  readonly edges: readonly (readonly [points: readonly number[], label?: readonly number[]])[];
  /** Of each beginning: its points, the dot's centre first. */
  readonly starts: readonly (readonly number[])[];
}

/** Layouts by the fingerprint of what is laid out, one for each of the {@link ARRANGEMENTS}. */
export type StoredLayouts = Readonly<Record<string, readonly StoredLayout[]>>;

/** Whatever a layout depends on makes another fingerprint: names, lines, options; not what only stands in the notes. */
export function fingerprintOf(graph: ChartGraph): string {
  const asked = JSON.stringify(ARRANGEMENTS.map((arrangement) => elkGraphOf(graph, arrangement)));
  let hash = 0x811c9dc5;
  for (let at = 0; at < asked.length; at++) hash = Math.imul(hash ^ asked.charCodeAt(at), 0x01000193);
  return `${asked.length}-${(hash >>> 0).toString(16)}`;
}

/** What is stored of a layout. */
export function stored({ width, height, states, edges, starts }: Layout): StoredLayout {
  return {
    size: [rounded(width), rounded(height)],
    states: states.map(({ box }) => numbersOf(box)),
    edges: edges.map(({ points, label }) =>
      label ? [points.flatMap(pairOf), numbersOf(label)] : [points.flatMap(pairOf)],
    ),
    starts: starts.map(({ dot, points }) => [dot, ...points].flatMap(pairOf)),
  };
}

/** A layout as it was stored; undefined where it is not one of this graph. */
export function restored(graph: ChartGraph, { size, states, edges, starts }: StoredLayout): Layout | undefined {
  if (states.length !== graph.states.length || edges.length !== graph.edges.length) return undefined;
  const [width, height] = size;
  return {
    width,
    height,
    states: graph.states.map((state, index) => ({ state, box: boxOf(states[index]) })),
    edges: graph.edges.map((edge, index) => {
      const [points = [], label] = edges[index] ?? [];
      return { edge, points: pointsOf(points), label: label && boxOf(label) };
    }),
    starts: firstStatesOf(graph).map(({ path }, index) => {
      const [dot = { x: 0, y: 0 }, ...points] = pointsOf(starts[index] ?? []);
      return { path, dot, points };
    }),
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
const pairOf = ({ x, y }: Point): [number, number] => [rounded(x), rounded(y)];
const numbersOf = ({ x, y, width, height }: Box): number[] => [x, y, width, height].map(rounded);
const boxOf = ([x = 0, y = 0, width = 0, height = 0]: readonly number[] = []): Box => ({ x, y, width, height });

function pointsOf(numbers: readonly number[]): Point[] {
  return Array.from({ length: numbers.length / 2 }, (_, at) => ({
    x: numbers[2 * at] ?? 0,
    y: numbers[2 * at + 1] ?? 0,
  }));
}
