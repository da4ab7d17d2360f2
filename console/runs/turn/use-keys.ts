import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Player } from './player.ts';

/** So many moments on, or back, with a page key. */
const PAGE = 10;

/**
 * The keys of a turn's page: arrows step, space plays. They are heard wherever the focus is, but in a field, and where the
 * part that has the focus needs the key itself.
 */
export function useKeys(root: RefObject<HTMLElement | null>, player: Player): void {
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : undefined;
      const page = root.current;
      // Where nothing has the focus, what is around the page has it.
      const isOurs = target && page && (page.contains(target) || target.contains(page));
      if (!isOurs || needs(target, event.key)) return;
      const act = keys(player)[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener('keydown', hear);
    return () => document.removeEventListener('keydown', hear);
  }, [player]);
}

function keys(player: Player): Record<string, () => void> {
  return {
    ArrowRight: () => player.step(1),
    ArrowLeft: () => player.step(-1),
    ' ': () => player.toggle(),
    Home: () => player.seek(0),
    End: () => player.follow(),
    PageDown: () => player.step(PAGE),
    PageUp: () => player.step(-PAGE),
  };
}

/** Whether what has the focus does something with that key. */
function needs(target: Element | undefined, key: string): boolean {
  if (!target) return false;
  if (target.closest('select, textarea, [contenteditable], input:not([type="range"], [type="checkbox"])')) return true;
  // The drawing is moved by arrows.
  if (key.startsWith('Arrow')) return target.closest('.chart-frame') !== null;
  if (key === ' ') return target.closest('button, summary, a, input[type="checkbox"]') !== null;
  // What scrolls is scrolled by these.
  return target.closest('[tabindex="0"]') !== null && !target.matches('input[type="range"]');
}
