import type { SurfaceEvent, SurfaceRow, SurfaceView } from '../../client/browser.ts';
import { ofSession } from '../sign-out.ts';

/** How long a surface that is gone stays in the list. Milliseconds. */
export const GONE_MS = 4_000;

/** A surface in the list. */
export interface ListedSurface {
  surfaceId: string;
  agentId: string | null;
  endpoint: string | undefined;
  components: number;
  createdAt: number;
  updatedAt: number;
  revision: number;
  isGone: boolean;
}

/** The surfaces by their ids; undefined until the daemon has said which there are. */
export const surfaces = ofSession<ReadonlyMap<string, ListedSurface> | undefined>(undefined);

/** Takes the listing of a subscription. */
export function replaceSurfaces(rows: readonly SurfaceRow[]): void {
  surfaces.value = new Map(rows.map((row) => [row.surfaceId, listed(row, row.componentCount)]));
}

/** Takes a surface's change. @returns the surface as it is now, where that is newer than what was known */
export function takeSurfaceEvent({ result }: SurfaceEvent): SurfaceView | undefined {
  // Of an action the list shows nothing.
  if ('event' in result) return undefined;
  const { surfaceId, surface } = result;
  const rows = new Map(surfaces.peek());
  const known = rows.get(surfaceId);
  if (!surface) {
    if (known) rows.set(surfaceId, { ...known, isGone: true });
  } else {
    if (known && !known.isGone && known.revision >= surface.revision) return undefined;
    rows.set(surfaceId, listed(surface, surface.components.length));
  }
  surfaces.value = rows;
  return surface;
}

/** Forgets a surface that is gone, unless it has come again. */
export function forgetSurface(surfaceId: string): void {
  if (!surfaces.peek()?.get(surfaceId)?.isGone) return;
  const rows = new Map(surfaces.peek());
  rows.delete(surfaceId);
  surfaces.value = rows;
}

function listed(row: SurfaceRow | SurfaceView, components: number): ListedSurface {
  const { surfaceId, agentId, owner, createdAt, updatedAt, revision } = row;
  return { surfaceId, agentId, endpoint: owner?.endpoint, components, createdAt, updatedAt, revision, isGone: false };
}
