import type { Box, Layout } from './layout.ts';
import { onScreen, type Size, type Viewport } from './viewport.ts';

interface MinimapProps {
  layout: Layout;
  view: Viewport;
  window: Size;
  active: ReadonlySet<string>;
  /** Where it must not lie. */
  places: readonly Box[];
  onPoint(point: { x: number; y: number }): void;
}

/** How large it is at most, as a part of the window's width and height, and in pixels. */
const MOST = { part: 0.3, width: 200, height: 130 };
/** From the window's edge. Pixels. */
const MARGIN = 8;

/**
 * All of a chart in a corner, and which part of it is seen. For pointers alone: the arrow keys move the drawing itself, and
 * nothing is told here that is not told there.
 */
export function Minimap({ layout, view, window, active, places, onPoint }: MinimapProps) {
  const width = Math.min(MOST.width, window.width * MOST.part);
  const height = Math.min(MOST.height, window.height * MOST.part);
  const scale = Math.min(width / layout.width, height / layout.height);
  const size = { width: layout.width * scale, height: layout.height * scale };
  const outer = new Set(layout.states.map(({ state }) => state.parent));
  const seen = {
    x: -view.x / view.scale,
    y: -view.y / view.scale,
    width: window.width / view.scale,
    height: window.height / view.scale,
  };
  const corner = { x: window.width - size.width - MARGIN, y: window.height - size.height - MARGIN, ...size };
  const isInTheWay = places.some((place) => overlap(onScreen(view, place), corner));
  const point = (event: PointerEvent & { currentTarget: SVGElement }) => {
    if (event.type === 'pointermove' && event.buttons !== 1) return;
    if (event.type === 'pointerdown') event.currentTarget.setPointerCapture(event.pointerId);
    const { left, top } = event.currentTarget.getBoundingClientRect();
    onPoint({ x: (event.clientX - left) / scale, y: (event.clientY - top) / scale });
  };
  return (
    <svg
      class={`minimap${isInTheWay ? ' left' : ''}`}
      aria-hidden="true"
      width={size.width}
      height={size.height}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      onPointerDown={point}
      onPointerMove={point}
    >
      {layout.states.map(({ state: { path, parent, type }, box }) => (
        <rect
          key={path}
          class={`${outer.has(path) ? 'outer' : ''}${active.has(path) ? ' active' : ''}${parent === '' ? ' outermost' : ''} ${type}`}
          {...box}
        />
      ))}
      <rect class="seen" {...seen} />
    </svg>
  );
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
