import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Mark } from './mark.tsx';
import { openedFile } from './runs/opened-file.ts';

/** A turn's file, for somebody who is not signed in: there is nothing else to see. */
export function FileAlone({ page: Page }: { page: ComponentType }) {
  useEffect(() => {
    document.title = 'Runs · Switchboard';
  }, []);
  return (
    <>
      <header class="bar">
        <span class="brand">
          <Mark /> Switchboard
        </span>
        <nav aria-label="Console" />
        <button
          type="button"
          class="quiet"
          onClick={() => {
            openedFile.value = undefined;
          }}
        >
          Sign in
        </button>
      </header>
      <main id="main">
        <Page />
      </main>
    </>
  );
}
