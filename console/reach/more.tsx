import { useEffect, useRef } from 'preact/hooks';
import type { Tab } from '../app.tsx';
import { link, route } from '../route.ts';
import './more.css';

/** The pages for which the bar has no room, behind a button that says which of them is shown. */
export function More({ tabs, current }: { tabs: readonly Tab[]; current: Tab }) {
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Who has chosen one is there.
    menu.current?.hidePopover?.();
    // Where the bar scrolls, the page that is shown is in sight.
    const link = menu.current?.parentElement?.querySelector(':scope > a[aria-current="page"]');
    link?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [route.value]);
  const place = () => {
    const box = button.current?.getBoundingClientRect();
    if (!box || !menu.current) return;
    menu.current.style.top = `${box.bottom + 2}px`;
    menu.current.style.left = `${Math.max(8, Math.min(box.left, document.documentElement.clientWidth - 198))}px`;
  };
  const shown = tabs.includes(current) ? current : undefined;
  return (
    <>
      <button
        ref={button}
        type="button"
        class="more-button"
        popovertarget="more-pages"
        aria-current={shown ? 'true' : undefined}
        onClick={place}
      >
        {shown ? shown.title : 'More'} <span aria-hidden="true">▾</span>
        {shown ? <span class="hidden">, more pages</span> : null}
      </button>
      <div ref={menu} id="more-pages" class="more-pages" popover="auto">
        {tabs.map((tab) => (
          <a key={tab.path} href={link(tab.path)} aria-current={tab === current ? 'page' : undefined}>
            {tab.title}
          </a>
        ))}
      </div>
    </>
  );
}
