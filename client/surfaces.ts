import type { JsonObject } from '../protocol/json.ts';
import type { InputOf, ResultOf } from '../protocol/methods.ts';
import type { A2aRouteAuth } from '../protocol/route-auth.ts';
import { toEnvelopes } from '../protocol/surface-envelopes.ts';
import type { Applied, SurfaceEvent, SurfaceRow, SurfaceView } from '../protocol/surfaces.ts';
import type { SubscribeOptions } from './host-events.ts';
import { checkPart } from './part-options.ts';
import type { RequestFunction } from './request.ts';

/** Who the actions on ingested surfaces go to (`wire.md` section 11). */
export interface IngestOptions {
  owner?: { kind?: 'a2a'; taskId?: string; contextId?: string; endpoint?: string } | undefined;
  /** Where the A2A agent listens: `http:` or `https:`. */
  endpoint?: string | undefined;
  /** Credentials for that endpoint. The broker keeps them, and shows them to nobody. */
  routeAuth?: A2aRouteAuth | undefined;
  /** The endpoint may be off loopback. Default false. */
  allowUntrustedEndpoint?: boolean | undefined;
}

/**
 * Surfaces as they change, from a listing on: none missing. A change that the listing has already may come once more;
 * its revision says so. They can be read once, and reading throws what became of the connection; a host that has come back
 * subscribes again.
 */
export interface SurfaceSubscription extends AsyncIterable<SurfaceEvent> {
  /** The surfaces that there were at the beginning. */
  readonly surfaces: readonly SurfaceRow[];
  /** Ends the iteration at once; what was not read is forgotten. Harmless when called again. */
  close(): void;
}

/** A surface as the envelopes that make it. */
export interface SurfaceReplay {
  surfaceId: string;
  /** That of the surface as they make it. */
  revision: number;
  envelopes: Envelope[];
}

/** Surfaces of A2UI 0.9 (`wire.md` section 11). */
export interface Surfaces {
  /** Every surface; what is on them as far as there is room for it in one answer. */
  list(): Promise<SurfaceRow[]>;
  /** One surface, whole; null where there is none. */
  get(surfaceId: string): Promise<SurfaceView | null>;
  /** The envelopes that make a surface from nothing, for a renderer; null where there is none. */
  replay(surfaceId: string): Promise<SurfaceReplay | null>;
  /** Applies one envelope. @throws {RpcError} `-32602`, `-32014`, `-32015`, `-32020` */
  apply(envelope: object): Promise<Applied>;
  /** Applies the envelopes inside what an A2A agent sent, all or none. Throws as {@link Surfaces.apply}. */
  ingest(payload: object, options?: IngestOptions): Promise<Applied[]>;
  /** Says what a person did. Resolves when the surface's A2A agent, if it has one, has answered. */
  act(action: InputOf<'a2ui.action'>): Promise<ResultOf<'a2ui.action'>>;
  /** Which A2UI the broker speaks, and the bounds of a surface. */
  capabilities(): Promise<ResultOf<'a2ui.capabilities'>>;
  /** Removes now what was untouched for too long; gives the ids. */
  reap(): Promise<string[]>;
  /** From now on what becomes of surfaces, and what people do on them. */
  subscribe(options?: Pick<SubscribeOptions, 'bufferLimit'>): Promise<SurfaceSubscription>;
}

/** An envelope, as {@link Surfaces.replay} gives it. */
export type Envelope = JsonObject;

/** {@link Surfaces} over a connection's requests, and what subscribes to them on it. */
export function surfacesOver(request: RequestFunction, subscribe: Surfaces['subscribe']): Surfaces {
  return {
    list: () => request('a2ui.surfaces', {}),
    get: (surfaceId) => request('a2ui.get', { surfaceId }),
    replay: async (surfaceId) => {
      const surface = await request('a2ui/replay', { surfaceId });
      return surface && { surfaceId, revision: surface.revision, envelopes: toEnvelopes(surface) };
    },
    apply: (envelope) => request('a2ui.apply', { envelope }),
    ingest: async (payload, options = {}) => {
      checkPart('surfaces.ingest', options);
      return (await request('a2ui.ingest', { ...options, payload } as never)).applied;
    },
    act: async (action) => {
      checkPart('surfaces.act', action);
      return request('a2ui.action', action);
    },
    capabilities: () => request('a2ui.capabilities', {}),
    reap: async () => (await request('a2ui.reap', {})).removed,
    subscribe,
  };
}
