import { useEffect, useState } from 'preact/hooks';
import type { Host, SurfaceSubscription, SurfaceView } from '../../client/browser.ts';
import { host } from '../session.ts';
import { forgetSurface, GONE_MS, replaceSurfaces, takeSurfaceEvent } from './rows.ts';

const RETRY_MS = 2_000;

type Listener = (surface: SurfaceView) => void;
const listeners = new Set<Listener>();

/** Hears of each surface that changes, while the page watches them. @returns ends it */
export function onSurface(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Keeps the list of surfaces while a component is there. @returns why that cannot be done now, if so */
export function useSurfaces(): string | undefined {
  const connection = host.value;
  const [problem, setProblem] = useState<string>();
  useEffect(() => (connection ? follow(connection, setProblem) : undefined), [connection]);
  return problem;
}

function follow(connection: Host, said: (problem: string | undefined) => void): () => void {
  let isOver = false;
  let subscription: SurfaceSubscription | undefined;
  const run = async () => {
    while (!isOver) {
      try {
        subscription = await connection.surfaces.subscribe();
        if (isOver) return subscription.close();
        replaceSurfaces(subscription.surfaces);
        said(undefined);
        for await (const event of subscription) {
          const surface = takeSurfaceEvent(event);
          if (surface) for (const listener of listeners) listener(surface);
          else if (event.kind === 'a2ui.surface_deleted' && 'surfaceId' in event.result) {
            const { surfaceId } = event.result;
            setTimeout(() => forgetSurface(surfaceId), GONE_MS);
          }
        }
      } catch (error) {
        // Of a lost connection the whole page tells, and a new one comes with a new host.
        if (!isOver && connection.status === 'ready') said(error instanceof Error ? error.message : String(error));
      }
      if (!isOver) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  };
  void run();
  return () => {
    isOver = true;
    subscription?.close();
  };
}
