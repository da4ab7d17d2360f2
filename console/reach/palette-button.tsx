import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Tab } from '../app.tsx';
import './more.css';

const isMac = /mac|iphone|ipad/i.test(navigator.platform);

interface PaletteProps {
  tabs: readonly Tab[];
  onClose(): void;
}

/** Opens the palette, whose program is fetched by the first time; so does Ctrl+K, or ⌘K, wherever the focus is. */
export function PaletteButton({ tabs }: { tabs: readonly Tab[] }) {
  const [isOpen, setOpen] = useState(false);
  const [loaded, setLoaded] = useState<{ Palette: ComponentType<PaletteProps> }>();
  const open = () => {
    setOpen(true);
    // Where it cannot be had, the next press tries again.
    import('./palette.tsx').then(setLoaded, () => setOpen(false));
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      // On a Mac, Ctrl+K in a field deletes to the end of the line.
      const isMeant = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
      if (!isMeant || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'k') return;
      event.preventDefault();
      // A dialog that asks something is answered first.
      if (!document.querySelector('dialog[open]')) open();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  const Palette = loaded?.Palette;
  return (
    <>
      <button
        type="button"
        class="quiet palette-button"
        aria-haspopup="dialog"
        aria-keyshortcuts={isMac ? 'Meta+K' : 'Control+K'}
        onClick={open}
      >
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <circle cx="7" cy="7" r="4.5" fill="none" stroke="currentcolor" stroke-width="1.5" />
          <path d="M10.5 10.5 14 14" fill="none" stroke="currentcolor" stroke-width="1.5" />
        </svg>
        <span class="palette-words">
          Go to <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
        </span>
      </button>
      {isOpen && Palette ? <Palette tabs={tabs} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
