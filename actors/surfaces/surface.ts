import type { JsonObject } from '../../protocol/json.ts';
import type { Principal } from '../../protocol/principal.ts';
import type { A2aRouteAuth } from '../../protocol/route-auth.ts';
import type { Sealed } from '../../protocol/sealed.ts';
import type { Applied, SurfaceAction, SurfaceOwnerRow, SurfaceRow, SurfaceView } from '../../protocol/surfaces.ts';
import type { JsonText } from '../kernel/json-text.ts';
import { publicEndpoint } from './endpoint.ts';

/** Where the actions on a surface go. */
export interface Route {
  readonly endpoint?: string | undefined;
  /** For this endpoint alone. */
  readonly auth?: Sealed<A2aRouteAuth> | undefined;
  readonly taskId?: string | undefined;
  readonly contextId?: string | undefined;
}

/** Whose a surface is, and what it is called. */
export interface SurfaceLabel {
  /** What it is kept under: it is one surface's alone. */
  readonly key: string;
  /** In whose room it is. */
  readonly owner: Principal;
  /** Its id there. */
  readonly surfaceId: string;
  /** The agent that it belongs to; none: to all clients of the room that are no agents. */
  readonly agentId: string | undefined;
  /** That agent's principal, to which it exists wherever it is. */
  readonly author: Principal | undefined;
}

/** One surface as it is. Never changed: a change makes another one of it, so that an ingest is all or none. */
export interface Surface extends SurfaceLabel {
  readonly catalogId: string;
  readonly theme: unknown;
  readonly sendDataModel: boolean;
  /** By id, in the order in which they came. */
  readonly components: ReadonlyMap<string, JsonObject>;
  readonly dataModel: unknown;
  /** Undefined: no A2A task's. */
  readonly route: Route | undefined;
  readonly revision: number;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of what is on it, as JSON. */
  readonly bytes: number;
  /** What that is the sum of: no change has to write all of it to know. */
  readonly sizes: SurfaceSizes;
}

/** Bytes of JSON. */
export interface SurfaceSizes {
  readonly catalogId: number;
  readonly components: number;
  readonly dataModel: number;
  readonly theme: number;
}

/** What becomes of one surface. */
export interface Change extends Pick<SurfaceLabel, 'key' | 'owner' | 'surfaceId'> {
  readonly before: Surface | undefined;
  readonly after: Surface | undefined;
}

/** What a person has done on a surface. */
export interface Acted {
  /** It calls the surface as its room does. */
  readonly action: SurfaceAction;
  readonly surface: SurfaceLabel;
  /** What subscribers are sent of it: one text for all who call the surface the same. */
  readonly texts: Map<string, JsonText>;
}

/** What is remembered of a surface that is gone. */
export const labelOf = ({ key, owner, surfaceId, agentId, author }: SurfaceLabel): SurfaceLabel => ({
  key,
  owner,
  surfaceId,
  agentId,
  author,
});

function ownerRow(route: Route): SurfaceOwnerRow {
  const { taskId, contextId, endpoint } = route;
  return {
    kind: 'a2a',
    ...(taskId === undefined ? {} : { taskId }),
    ...(contextId === undefined ? {} : { contextId }),
    ...(endpoint === undefined ? {} : { endpoint: publicEndpoint(endpoint) }),
  };
}

function common({ catalogId, agentId, route, revision, createdAt, updatedAt }: Surface, surfaceId: string) {
  const owner = route ? { owner: ownerRow(route) } : {};
  return { surfaceId, catalogId, agentId: agentId ?? null, ...owner, revision, createdAt, updatedAt };
}

/** A surface without what is on it, as events show it. */
export function toRow(surface: Surface, surfaceId: string) {
  return { ...common(surface, surfaceId), components: surface.components.size, bytes: surface.bytes };
}

/** A surface, whole, as whoever calls it so sees it. Its credentials are in no view of it. */
export function toView(surface: Surface, surfaceId: string): SurfaceView {
  const { theme, sendDataModel, components, dataModel } = surface;
  return {
    ...common(surface, surfaceId),
    ...(theme === undefined ? {} : { theme }),
    sendDataModel,
    components: [...components.values()],
    dataModel,
  };
}

/** A surface as listings show it, with what is on it or without. */
export function toListed(surface: Surface, surfaceId: string, isWhole: boolean): SurfaceRow {
  const counts = { componentCount: surface.components.size, bytes: surface.bytes };
  return { ...(isWhole ? toView(surface, surfaceId) : common(surface, surfaceId)), ...counts };
}

/** What came of a change. */
export function toApplied({ before, after }: Change, surfaceId: string): Applied {
  if (after) return { surfaceId, deleted: false, surface: toView(after, surfaceId) };
  return { surfaceId, deleted: before !== undefined };
}
