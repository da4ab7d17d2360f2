import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** So much more room than it needed has to be there before a table is one again, in pixels: it must not go to and fro. */
const SPARE_PX = 16;

/**
 * Whether a table's rows are to be cards, because its columns have no room beside each other: found out by measuring, as
 * what they need is what stands in them.
 *
 * @param box - the box around the table, which is as wide as it may be
 */
export function useCards(box: RefObject<HTMLElement | null>): boolean {
  const [isCards, setCards] = useState(false);
  /** What the table needed when it last had no room. */
  const needed = useRef(0);
  const look = useRef(() => {});
  look.current = () => {
    const room = box.current?.clientWidth ?? 0;
    const table = box.current?.querySelector('table');
    // Not to be seen.
    if (!table || room === 0) return;
    if (isCards) {
      if (room >= needed.current + SPARE_PX) setCards(false);
    } else if (table.offsetWidth > room) {
      needed.current = table.offsetWidth;
      setCards(true);
    }
  };
  // Before anything of it is seen; and again whenever its rows are others.
  useLayoutEffect(() => look.current());
  const { current: watched } = box;
  useLayoutEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(() => look.current());
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [watched]);
  return isCards;
}
