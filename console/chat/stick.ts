import { useSignal } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';

/** So near to the end counts as being there. Pixels. */
const NEAR = 24;

/**
 * Keeps a scrolling box at its end while it grows, until the person scrolls up, and again once they are back at the end.
 */
export function useStick<E extends HTMLElement>() {
  const box = useRef<E>(null);
  const atEnd = useSignal(true);
  const toEnd = useCallback(() => {
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
    atEnd.value = true;
  }, [atEnd]);
  useEffect(() => {
    const element = box.current;
    const content = element?.firstElementChild;
    if (!element || !content) return;
    let top = element.scrollTop;
    const follow = () => {
      if (atEnd.peek()) element.scrollTop = element.scrollHeight;
    };
    const look = () => {
      const before = top;
      top = element.scrollTop;
      if (element.scrollHeight - top - element.clientHeight <= NEAR) atEnd.value = true;
      // The box has grown since it was scrolled to its end: that is no scrolling up.
      else if (top < before) atEnd.value = false;
    };
    // Whoever follows the end wants that in sight; whoever reads further up wants what they read to stay where it is.
    const unanchor = atEnd.subscribe((is) => {
      element.style.overflowAnchor = is ? 'none' : 'auto';
    });
    // The content grows, or the box shrinks.
    const sizes = new ResizeObserver(follow);
    sizes.observe(content);
    sizes.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    follow();
    return () => {
      unanchor();
      sizes.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [atEnd]);
  return { box, atEnd, toEnd };
}
