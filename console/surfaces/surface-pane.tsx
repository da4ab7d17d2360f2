import { useEffect, useRef, useState } from 'preact/hooks';
import type { Host } from '../../client/browser.ts';
import type { SurfaceAction } from '../../protocol/surfaces.ts';
import { moment } from '../format.ts';
import { nextFrame } from '../next-frame.ts';
import { link } from '../route.ts';
import { host } from '../session.ts';
import type { Drawing } from './drawing.ts';
import { outcome } from './outcome.ts';
import type { SurfaceRenderer } from './renderer.ts';
import { surfaces } from './rows.ts';
import { shown } from './shown.ts';
import { onSurface } from './watch.ts';

/** `-32014`: there is no such surface. */
/** Characters that an outcome has; what an agent says is cut after 2,048. */
const MAX_LINE = 3_000;

/** One surface, as its agent means it to be seen, and what came of what the person did on it. */
export function SurfacePane({ surfaceId }: { surfaceId: string }) {
  const connection = host.value;
  const stage = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState<string>();
  const [said, setSaid] = useState('');
  const [wanted, setWanted] = useState<string>();
  const isGone = surfaces.value !== undefined && !(surfaces.value.get(surfaceId)?.isGone === false);
  useEffect(() => {
    const into = stage.current;
    if (!connection || !into || isGone) return;
    setProblem(undefined);
    const heard = {
      action: (action: SurfaceAction) => void act(connection, { ...action, surfaceId }, setSaid),
      open: setWanted,
    };
    return draw({ connection, surfaceId, into, heard, setProblem });
  }, [connection, surfaceId, isGone]);
  return (
    <section class="surface" aria-label={`Surface ${shown(surfaceId)}`}>
      <header>
        <a class="surface-back" href={link('surfaces')}>
          ← All surfaces
        </a>
        <h2>{shown(surfaceId)}</h2>
      </header>
      {isGone ? <p class="empty">This surface is gone.</p> : null}
      {problem === undefined || isGone ? null : (
        <p class="problem" role="alert">
          This surface cannot be shown: {shown(problem, MAX_LINE)}.
        </p>
      )}
      <div class="surface-stage" ref={stage} hidden={problem !== undefined} />
      {wanted === undefined ? null : (
        <p class="surface-wanted">
          It asks to open, at <strong>{new URL(wanted).host}</strong>,{' '}
          <a href={wanted} target="_blank" rel="noopener noreferrer">
            {shown(wanted)}
          </a>
        </p>
      )}
      <p class="surface-outcome soft" role="status" aria-label="Outcome">
        {shown(said, MAX_LINE)}
      </p>
    </section>
  );
}

interface DrawOptions {
  connection: Host;
  surfaceId: string;
  into: HTMLElement;
  heard: { action(action: SurfaceAction): void; open(url: string): void };
  setProblem(problem: string | undefined): void;
}

/** Draws the surface as it is, and again whenever it changes. */
function draw({ connection, surfaceId, into, heard, setProblem }: DrawOptions): () => void {
  let isOver = false;
  let renderer: SurfaceRenderer | undefined;
  let newest: Drawing | undefined;
  let isDue = false;
  const show = () => {
    isDue = false;
    if (isOver || !renderer || !newest) return;
    try {
      renderer.show(newest);
      setProblem(undefined);
    } catch (error) {
      setProblem(reason(error));
    }
  };
  const take = (drawing: Drawing) => {
    if (newest && newest.revision >= drawing.revision) return;
    newest = drawing;
    // Many changes between two looks are one.
    if (!isDue) nextFrame(show);
    isDue = true;
  };
  const stop = onSurface((surface) => surface.surfaceId === surfaceId && take(surface));
  const begin = async () => {
    try {
      const [loaded, surface] = await Promise.all([import('./renderer.ts'), connection.surfaces.get(surfaceId)]);
      // One that is gone is said to be gone by the list.
      if (isOver || !surface) return;
      renderer = new loaded.SurfaceRenderer(into, heard);
      take(surface);
      show();
    } catch (error) {
      if (!isOver) setProblem(reason(error));
    }
  };
  void begin();
  return () => {
    isOver = true;
    stop();
    renderer?.dispose();
  };
}

async function act(connection: Host, action: SurfaceAction, say: (line: string) => void): Promise<void> {
  const name = shown(action.name);
  say(`${name}: sent, waiting for what comes of it …`);
  try {
    const { route } = await connection.surfaces.act(action);
    say(`${moment(Date.now())} ${outcome(name, route)}`);
  } catch (error) {
    say(`${moment(Date.now())} ${name}: not taken: ${reason(error)}`);
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
