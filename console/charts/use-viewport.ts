import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Box, Layout } from './layout.ts';
import { open, reveal, type Size, type Viewport, whole, zoom } from './viewport.ts';

const WHEEL_ZOOM = 0.0016;
const STEP = 1.25;
const PAN = 60;
/** A pointer that has moved less than this has clicked. Pixels. */
const CLICK_PX = 4;

/** How a chart is moved about in its window. */
export interface ViewportControls {
  view: Viewport | undefined;
  showAll(): void;
  zoomIn(): void;
  zoomOut(): void;
  /** Arrow keys, plus, minus and 0. */
  onKeyDown(event: KeyboardEvent): void;
}

/**
 * Which part of a chart is seen: by wheel, pointers, buttons and keys. Whoever has moved nothing yet finds what is
 * active in sight.
 */
export function useViewport(
  frame: RefObject<HTMLDivElement | null>,
  layout: Layout | undefined,
  active: Box | undefined,
): ViewportControls {
  const [view, setView] = useState<Viewport>();
  const isMoved = useRef(false);
  const sizeOf = (): Size => ({ width: frame.current?.clientWidth ?? 0, height: frame.current?.clientHeight ?? 0 });
  const move = (change: (view: Viewport) => Viewport) => {
    isMoved.current = true;
    setView((old) => old && change(old));
  };

  useEffect(() => {
    isMoved.current = false;
    if (!layout || !frame.current) return;
    const start = () => !isMoved.current && setView(open(sizeOf(), layout, active));
    start();
    const observer = new ResizeObserver(start);
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [layout]);

  useEffect(() => {
    if (active && !isMoved.current) setView((old) => old && reveal(old, sizeOf(), active));
  }, [active]);

  useEffect(() => {
    const element = frame.current;
    return element ? listen(element, move) : undefined;
  }, []);

  const about = (factor: number) => {
    const { width, height } = sizeOf();
    move((old) => zoom(old, factor, { x: width / 2, y: height / 2 }));
  };
  const controls = {
    view,
    showAll: () => {
      if (!layout) return;
      isMoved.current = true;
      setView(whole(sizeOf(), layout));
    },
    zoomIn: () => about(STEP),
    zoomOut: () => about(1 / STEP),
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
