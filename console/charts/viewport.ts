import type { Box, Layout, Point } from './layout.ts';

/** Which part of a chart is seen: where its top left corner is in the window, in pixels, and how much it is enlarged. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** How large the window or the chart is. Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What is drawn of a chart: where it begins, where that is not the chart's own corner. */
export type Extent = Size & Partial<Point>;

const SMALLEST = 0.15;
const LARGEST = 3;
/** The smallest texts of a chart and the smallest that anybody has to read. Pixels. */
const TEXT_PX = 11;
export const LEAST_TEXT_PX = 10;
/** Below this texts are too small: a chart that is opened shows a part rather than be smaller. */
export const READABLE = LEAST_TEXT_PX / TEXT_PX;
const MARGIN = 8;
/** At the top there are buttons over the drawing. */
const TOP = 40;

/** Whether texts are as small as this because somebody wants to see more at once: then there are names alone. */
export const isFar = ({ scale }: Viewport): boolean => scale < READABLE - 0.001;

/** The whole chart, in the middle, never enlarged. */
export function whole(window: Size, { x = 0, y = 0, width, height }: Extent): Viewport {
  const scale = clamp(Math.min((window.width - 2 * MARGIN) / width, (window.height - 2 * MARGIN) / height, 1));
  return { scale, x: window.width / 2 - (x + width / 2) * scale, y: window.height / 2 - (y + height / 2) * scale };
}

/** As much of the chart as can be read, with places of it in sight. */
export function open(window: Size, chart: Extent, places: readonly Box[]): Viewport {
  const all = whole(window, chart);
  if (!isFar(all)) return all;
  const { x = 0, y = 0, width } = chart;
  const start = { scale: READABLE, x: window.width / 2 - (x + width / 2) * READABLE, y: TOP - y * READABLE };
  return revealAll(start, window, places);
}

/** Which of the layouts of a chart is seen best: the largest whole one; where none can be read whole, its outer states. */
export function fittest(window: Size, layouts: readonly Layout[]): Layout | undefined {
  const readable = layouts.some((layout) => !isFar(whole(window, layout)));
  const scaleOf = (layout: Layout) => {
    const outer = new Set(layout.states.map(({ state }) => state.parent));
    const boxes = readable ? [] : layout.states.filter(({ state }) => outer.has(state.path)).map(({ box }) => box);
    return Math.min(...(boxes.length > 0 ? boxes : [layout]).map((box) => whole(window, box).scale));
  };
  // The first of equals.
  return layouts.map((layout) => ({ layout, scale: scaleOf(layout) })).sort((a, b) => b.scale - a.scale)[0]?.layout;
}

/** The box around boxes. */
export function around(boxes: readonly Box[]): Box | undefined {
  if (boxes.length === 0) return undefined;
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** A place of a chart, in the window. */
export function onScreen({ x, y, scale }: Viewport, box: Box): Box {
  return { x: box.x * scale + x, y: box.y * scale + y, width: box.width * scale, height: box.height * scale };
}

/** Whether the whole of a place is in the window. */
export function isInSight(view: Viewport, window: Size, place: Box): boolean {
  const { x, y, width, height } = onScreen(view, place);
  // Half a pixel is nobody's loss.
  return x >= -0.5 && y >= -0.5 && x + width <= window.width + 0.5 && y + height <= window.height + 0.5;
}

/** Moves as little as is needed to have places in sight; where there is no room for all of them the later ones count. */
export function revealAll(view: Viewport, window: Size, places: readonly Box[]): Viewport {
  const all = around(places);
  if (!all) return view;
  const room = onScreen(view, all);
  const fits = room.width <= window.width - 2 * MARGIN && room.height <= window.height - MARGIN - TOP;
  return (fits ? [all] : places).reduce((moved, place) => reveal(moved, window, place), view);
}

/** A point of the chart in the middle. */
export function centred({ scale }: Viewport, window: Size, { x, y }: Point): Viewport {
  return { scale, x: window.width / 2 - x * scale, y: window.height / 2 - y * scale };
}

/** Enlarges about a point of the window, which stays where it is. */
export function zoom({ x, y, scale }: Viewport, factor: number, at: { x: number; y: number }): Viewport {
  const next = clamp(scale * factor);
  const ratio = next / scale;
  return { scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio };
}

/** Moves as little as is needed to have a place in sight. */
export function reveal(view: Viewport, window: Size, place: Box): Viewport {
  const shift = (offset: number, start: number, length: number, space: number, margin: number) => {
    const from = start * view.scale + offset;
    const to = (start + length) * view.scale + offset;
    if (from < margin) return margin - from;
    return to > space - MARGIN ? Math.max(space - MARGIN - to, margin - from) : 0;
  };
  return {
    scale: view.scale,
    x: view.x + shift(view.x, place.x, place.width, window.width, MARGIN),
    y: view.y + shift(view.y, place.y, place.height, window.height, TOP),
  };
}

const clamp = (scale: number): number => Math.min(LARGEST, Math.max(SMALLEST, scale));
