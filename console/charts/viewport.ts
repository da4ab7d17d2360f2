import type { Box } from './layout.ts';

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

const SMALLEST = 0.15;
const LARGEST = 3;
/** Below this the texts cannot be read: a chart that is opened shows a part rather than be smaller. */
const READABLE = 0.72;
const MARGIN = 8;

/** The whole chart, in the middle, never enlarged. */
export function whole(window: Size, chart: Size): Viewport {
  const scale = clamp(
    Math.min((window.width - 2 * MARGIN) / chart.width, (window.height - 2 * MARGIN) / chart.height, 1),
  );
  return { scale, x: (window.width - chart.width * scale) / 2, y: (window.height - chart.height * scale) / 2 };
}

/** As much of the chart as can be read, with one place of it in sight. */
export function open(window: Size, chart: Size, place: Box | undefined): Viewport {
  const all = whole(window, chart);
  if (all.scale >= READABLE) return all;
  const start = { scale: READABLE, x: (window.width - chart.width * READABLE) / 2, y: MARGIN };
  return place ? reveal(start, window, place) : start;
}

/** Enlarges about a point of the window, which stays where it is. */
export function zoom({ x, y, scale }: Viewport, factor: number, at: { x: number; y: number }): Viewport {
  const next = clamp(scale * factor);
  const ratio = next / scale;
  return { scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio };
}

/** Moves as little as is needed to have a place in sight. */
export function reveal(view: Viewport, window: Size, place: Box): Viewport {
  const shift = (offset: number, start: number, length: number, space: number) => {
    const from = start * view.scale + offset;
    const to = (start + length) * view.scale + offset;
    if (from < MARGIN) return MARGIN - from;
    return to > space - MARGIN ? Math.max(space - MARGIN - to, MARGIN - from) : 0;
  };
  return {
    scale: view.scale,
    x: view.x + shift(view.x, place.x, place.width, window.width),
    y: view.y + shift(view.y, place.y, place.height, window.height),
  };
}

const clamp = (scale: number): number => Math.min(LARGEST, Math.max(SMALLEST, scale));
