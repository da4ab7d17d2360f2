import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface SheetProps {
  title: ComponentChildren;
  onClose(): void;
  /** What stands in it; `close` closes it. */
  children(close: () => void): ComponentChildren;
}

/** A dialog over the page, which nothing behind it is reached through. Escape closes it, and the focus goes back. */
export function Sheet({ title, onClose, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby="sheet-title" onClose={onClose}>
      <h2 id="sheet-title">{title}</h2>
      {children(() => dialog.current?.close())}
    </dialog>
  );
}
