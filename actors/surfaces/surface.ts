import type { JsonObject } from '../../protocol/json.ts';
import type { A2aRouteAuth } from '../../protocol/route-auth.ts';
import type { Sealed } from '../../protocol/sealed.ts';
import {
  A2UI_VERSION,
  type Applied,
  type SurfaceAction,
  type SurfaceOwnerRow,
  type SurfaceRow,
  type SurfaceView,
} from '../../protocol/surfaces.ts';
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

/** One surface as it is. Never changed: a change makes another one of it, so that an ingest is all or none. */
export interface Surface {
  readonly surfaceId: string;
  readonly catalogId: string;
  readonly theme: unknown;
  readonly sendDataModel: boolean;
  /** By id, in the order in which they came. */
  readonly components: ReadonlyMap<string, JsonObject>;
  readonly dataModel: unknown;
  /** The agent that it belongs to; none: to all clients that are no agents. */
  readonly agentId: string | undefined;
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
export interface Change {
  readonly surfaceId: string;
  readonly before: Surface | undefined;
  readonly after: Surface | undefined;
}

/** What a person has done on a surface. */
export interface Acted {
  readonly action: SurfaceAction;
  /** The agent that the surface belongs to, if any. */
  readonly agentId: string | undefined;
  /** What subscribers are sent of it: one text for all of them. */
  readonly text: JsonText;
}

function ownerRow(route: Route): SurfaceOwnerRow {
  const { taskId, contextId, endpoint } = route;
  return {
    kind: 'a2a',
    ...(taskId === undefined ? {} : { taskId }),
    ...(contextId === undefined ? {} : { contextId }),
    ...(endpoint === undefined ? {} : { endpoint: publicEndpoint(endpoint) }),
  };
}

function common({ surfaceId, catalogId, agentId, route, revision, createdAt, updatedAt }: Surface) {
  const owner = route ? { owner: ownerRow(route) } : {};
  return { surfaceId, catalogId, agentId: agentId ?? null, ...owner, revision, createdAt, updatedAt };
}

/** A surface as listings show it. */
export function toRow(surface: Surface): SurfaceRow {
  return { ...common(surface), components: surface.components.size, bytes: surface.bytes };
}

/** A surface, whole. Its credentials are in no view of it. */
export function toView(surface: Surface): SurfaceView {
  const { theme, sendDataModel, components, dataModel } = surface;
  return {
    ...common(surface),
    ...(theme === undefined ? {} : { theme }),
    sendDataModel,
    components: [...components.values()],
    dataModel,
  };
}

/** What came of a change. */
export function toApplied({ surfaceId, before, after }: Change): Applied {
  if (after) return { surfaceId, deleted: false, surface: toView(after) };
  return { surfaceId, deleted: before !== undefined };
}

/** The envelopes that make a surface from nothing. */
export function toEnvelopes(surface: Surface): JsonObject[] {
  const { surfaceId, catalogId, theme, sendDataModel, components, dataModel } = surface;
  const version = A2UI_VERSION;
  const create = { surfaceId, catalogId, ...(theme === undefined ? {} : { theme }), sendDataModel };
  return [
    { version, createSurface: create },
    // A renderer takes no empty list.
    ...(components.size === 0
      ? []
      : [{ version, updateComponents: { surfaceId, components: [...components.values()] } }]),
    { version, updateDataModel: { surfaceId, path: '/', value: dataModel } },
  ];
}
