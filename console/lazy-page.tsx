import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/**
 * A page whose program is fetched when somebody opens it: it takes no part in the first load.
 *
 * @param load - `() => import('./page.tsx').then(({ Page }) => Page)`
 */
export function lazyPage(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | undefined;
  return function LazyPage() {
    const [, draw] = useState(0);
    const [problem, setProblem] = useState<string>();
    useEffect(() => {
      if (loaded) return;
      let isOver = false;
      load().then(
        (page) => {
          loaded = page;
          if (!isOver) draw((times) => times + 1);
        },
        (error: unknown) => {
          if (!isOver) setProblem(error instanceof Error ? error.message : String(error));
        },
      );
      return () => {
        isOver = true;
      };
    }, []);
    if (loaded) {
      const Page = loaded;
      return <Page />;
    }
    if (problem === undefined) return <p class="empty">Loading …</p>;
    return (
      <div role="alert">
        {/* A browser does not try a module again that it could not load once. */}
        <p>This page could not be loaded: {problem}. The daemon may be another version since this page was opened.</p>
        <button type="button" onClick={() => location.reload()}>
          Load the console again
        </button>
      </div>
    );
  };
}
