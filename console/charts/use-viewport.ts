import { useEffect, useRef, useState } from 'preact/hooks';
import type { Box, Layout, Point } from './layout.ts';
import { centred, open, revealAll, type Size, type Viewport, whole, zoom } from './viewport.ts';

const WHEEL_ZOOM = 0.0016;
const STEP = 1.25;
const PAN = 60;
/** A pointer that has moved less than this has clicked. Pixels. */
const CLICK_PX = 4;

/** How a chart is moved about in its window. */
export interface ViewportControls {
  view: Viewport | undefined;
  showAll(): void;
  /** Has what is active in sight, as before anything was moved. */
  follow(): void;
  zoomIn(): void;
  zoomOut(): void;
  /** Has a point of the chart in the middle. */
  centre(point: Point): void;
  /** Arrow keys, plus, minus, 0 and Home. */
  onKeyDown(event: KeyboardEvent): void;
}

/** What a viewport is of. */
interface Viewed {
  element: HTMLElement | null;
  window: Size;
  /** What is drawn: all of a chart or some of it. */
  drawn: Layout | undefined;
  /** All of it. Whoever has moved it about finds it where it was for as long as this is the same. */
  layout: Layout | undefined;
  /** What is to be in sight; where there is no room for all of them the later ones count. */
  places: readonly Box[];
}

/** How large an element is, as it changes. */
export function useSize(element: HTMLElement | null): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    if (!element) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

/**
 * Which part of a chart is seen: by wheel, pointers, buttons and keys. Whoever has moved nothing yet finds what is
 * active in sight.
 */
export function useViewport({ element, window, drawn, layout, places }: Viewed): ViewportControls {
  const [moved, setMoved] = useState<{ layout: Layout; view: Viewport }>();
  const last = useRef<{ drawn: Layout; window: Size; view: Viewport } | undefined>(undefined);
  const isThere = drawn !== undefined && window.width > 0 && window.height > 0;
  let view: Viewport | undefined;
  if (moved && moved.layout === layout) view = moved.view;
  else if (isThere) {
    const before = last.current;
    const isSame = before?.drawn === drawn && before.window === window;
    view = isSame ? revealAll(before.view, window, places) : open(window, drawn, places);
    last.current = { drawn, window, view };
  }

  const move = (change: (view: Viewport) => Viewport) =>
    setMoved((old) => {
      if (!layout) return old;
      const from = old?.layout === layout ? old.view : last.current?.view;
      return from && { layout, view: change(from) };
    });
  const moving = useRef(move);
  moving.current = move;
  useEffect(() => (element ? listen(element, (change) => moving.current(change)) : undefined), [element]);

  const about = (factor: number) => {
    move((old) => zoom(old, factor, { x: window.width / 2, y: window.height / 2 }));
  };
  const controls = {
    view,
    showAll: () => move((old) => (drawn ? whole(window, drawn) : old)),
    follow: () => {
      last.current = undefined;
      setMoved(undefined);
    },
    zoomIn: () => about(STEP),
    zoomOut: () => about(1 / STEP),
    centre: (point: Point) => move((old) => centred(old, window, point)),
  };
  const pan = (x: number, y: number) => move((old) => ({ ...old, x: old.x + x, y: old.y + y }));
  const keys: Record<string, () => void> = {
    ArrowLeft: () => pan(PAN, 0),
    ArrowRight: () => pan(-PAN, 0),
    ArrowUp: () => pan(0, PAN),
    ArrowDown: () => pan(0, -PAN),
    '+': controls.zoomIn,
    '=': controls.zoomIn,
    '-': controls.zoomOut,
    '0': controls.showAll,
    Home: controls.follow,
  };
  return {
    ...controls,
    onKeyDown: (event) => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    },
  };
}

/** Wheel and pointers: one finger moves, two enlarge. */
function listen(element: HTMLElement, move: (change: (view: Viewport) => Viewport) => void): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let travelled = 0;
  const place = ({ clientX, clientY }: MouseEvent) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) {
      move((view) => ({ ...view, x: view.x - (event.deltaX + event.deltaY) * lines }));
      return;
    }
    move((view) => zoom(view, Math.exp(-event.deltaY * lines * WHEEL_ZOOM), place(event)));
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, place(event));
  };
  const drag = (event: PointerEvent) => {
    const from = pointers.get(event.pointerId);
    if (!from) return;
    const to = place(event);
    travelled += Math.abs(to.x - from.x) + Math.abs(to.y - from.y);
    if (travelled < CLICK_PX) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, to);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) {
      move((view) => ({ ...view, x: view.x + to.x - from.x, y: view.y + to.y - from.y }));
      return;
    }
    const span = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    move((view) => zoom(view, span(to) / span(from), other));
  };
  const up = (event: PointerEvent) => void pointers.delete(event.pointerId);
  /** What ended a drag is no click. */
  const click = (event: MouseEvent) => {
    if (travelled >= CLICK_PX) event.stopPropagation();
  };
  const options = { passive: false };
  element.addEventListener('wheel', wheel, options);
  element.addEventListener('pointerdown', down);
  element.addEventListener('pointermove', drag);
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) element.addEventListener(end, up);
  element.addEventListener('click', click, true);
  return () => {
    element.removeEventListener('wheel', wheel);
    element.removeEventListener('pointerdown', down);
    element.removeEventListener('pointermove', drag);
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const)
      element.removeEventListener(end, up);
    element.removeEventListener('click', click, true);
  };
}
