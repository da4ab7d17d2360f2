import { WireError } from '../../protocol/errors.ts';
import { sessionId } from '../../protocol/ids.ts';
import type { RequestMethod, ResultOf } from '../../protocol/methods.ts';
import { A2UI_MIME_TYPE, A2UI_VERSION, type Applied, type SurfaceView } from '../../protocol/surfaces.ts';
import { roomOf } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import { withoutBaggage } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { type Call, type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { checkSize, jsonBytes } from '../requests/payload-size.ts';
import { reply } from '../requests/reply.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { actionsOf } from './client-actions.ts';
import { commitChanges, reapSurfaces } from './commit.ts';
import { type Author, draftChanges, envelopeOf } from './draft.ts';
import { findEnvelopes } from './envelopes.ts';
import { announceAction, subscribe } from './feeds.ts';
import { payForChange, payForSight } from './price.ts';
import { isInRoomOf, placeFor, roomFor, seesSurface, surfaceIdFor } from './rooms.ts';
import { BASIC_CATALOG, isLoadingSchemas, loadedSchemas, loadSchemas, type SurfaceSchemas } from './schemas.ts';
import { type Change, toApplied, toListed, toView } from './surface.ts';
import { SURFACES } from './surfaces.ts';
import { wishedRoute } from './wished-route.ts';

type CallOf<K extends RequestMethod> = Parameters<Handler<K>>[0];

/** Runs a handler once the schemas are there: at once, but for the first call and those that come while it waits. */
function withSchemas<K extends RequestMethod>(
  run: (call: CallOf<K>, schemas: SurfaceSchemas) => ResultOf<K> | typeof LATER,
): Handler<K> {
  return (call) => {
    const schemas = loadedSchemas();
    if (schemas) return run(call, schemas);
    const { kernel, from, id } = call;
    const limit = kernel.limits.maxPendingRequests;
    if (from.pendingRequests >= limit) throw WireError.limitExceeded('max_pending_requests', limit);
    from.pendingRequests += 1;
    const answer = (carryOut: () => ResultOf<K> | typeof LATER) => {
      from.pendingRequests -= 1;
      try {
        // A surface outlives its maker's connection, but not its removal, nor does a replaced connection make any.
        if (from.agentId !== undefined && !from.isOpen) return;
        const result = carryOut();
        if (result !== LATER) reply(kernel, from, id, { result });
      } catch (error) {
        reply(kernel, from, id, { error: toWireError(kernel, 'a2ui', error) });
      }
    };
    const fail = (error: unknown) =>
      answer(() => {
        throw error;
      });
    loadSchemas().then((loaded) => answer(() => run(call, loaded)), fail);
    return LATER;
  };
}

/** The same for what needs no schemas: it does not overtake what does. */
function inOrder<K extends RequestMethod>(run: Handler<K>): Handler<K> {
  const waiting = withSchemas<K>(run);
  return (call) => (isLoadingSchemas() ? waiting(call) : run(call));
}

/** `a2ui.capabilities` (`wire.md` section 11). */
const describeSurfaces = withSchemas<'a2ui.capabilities'>(({ kernel }, { components }) => {
  const { maxSurfaces, maxSurfaceComponents, maxSurfaceBytes, surfaceIdleMs } = kernel.limits;
  return {
    version: A2UI_VERSION,
    mimeType: A2UI_MIME_TYPE,
    catalogs: [BASIC_CATALOG],
    components: [...components.keys()],
    limits: { surfaces: maxSurfaces, components: maxSurfaceComponents, bytes: maxSurfaceBytes, idleMs: surfaceIdleMs },
  };
});

/** `a2ui.apply` (`wire.md` section 11). */
const applyEnvelope = withSchemas<'a2ui.apply'>((call, schemas) => {
  const { kernel, from, params } = call;
  // What a request says of its trace is no part of the envelope.
  const { session_id, _meta: _, ...envelope } = params;
  const envelopes = [envelopeOf(envelope)];
  const author = authorOf(call, readSession(session_id));
  payForChange(kernel, from, author, envelopes);
  const changes = draftChanges(kernel, schemas, author, envelopes);
  commitChanges(kernel, changes);
  const [change] = changes;
  if (!change) throw new Error('an envelope changed no surface');
  return toApplied(change, surfaceIdFor(from, change));
});

/** `a2ui.ingest` (`wire.md` section 11): all or none. */
const ingestEnvelopes = withSchemas<'a2ui.ingest'>((call, schemas) => {
  const { kernel, from, params } = call;
  const { maxIngestBytes, maxEnvelopes } = kernel.limits;
  const route = wishedRoute(params);
  if (jsonBytes(params.payload) > maxIngestBytes) throw WireError.limitExceeded('max_ingest_bytes', maxIngestBytes);
  const envelopes = findEnvelopes(params.payload, maxEnvelopes);
  if (envelopes.length > maxEnvelopes) throw WireError.limitExceeded('max_envelopes', maxEnvelopes);
  const author = authorOf(call, params.session_id);
  payForChange(kernel, from, author, envelopes);
  const changes = draftChanges(kernel, schemas, { ...author, ...(route ? { route } : {}) }, envelopes);
  commitChanges(kernel, changes);
  return { applied: appliedOf(from, changes, maxIngestBytes) };
});

/** What came of an ingest: with the surfaces, as many as are not too much for one answer; small changes may touch many. */
function appliedOf(from: Client, changes: readonly Change[], mostBytes: number): Applied[] {
  let bytes = 0;
  return changes.map((change) => {
    bytes += change.after?.bytes ?? 0;
    const surfaceId = surfaceIdFor(from, change);
    return bytes <= mostBytes ? toApplied(change, surfaceId) : { surfaceId, deleted: !change.after };
  });
}

/** `a2ui.surfaces` (`wire.md` section 11). */
const listSurfaces = inOrder<'a2ui.surfaces'>((call) => {
  const { kernel, from } = call;
  const all = [...kernel.get(SURFACES)].filter((surface) => seesSurface(from, surface));
  const whole = new Set<string>();
  let room = MAX_LISTED_BYTES;
  for (const { key, bytes } of all) {
    if (bytes > room) break;
    room -= bytes;
    whole.add(key);
  }
  payForSight(kernel, from, whole);
  const rows = all.map((surface) => toListed(surface, surfaceIdFor(from, surface), whole.has(surface.key)));
  // Of an owner there may be much to say, too.
  return replyRows(call, rows);
});

/** Bytes of what is on surfaces that one listing shows: some clients read no message of a mebibyte. */
const MAX_LISTED_BYTES = 512 * 1024;

/** `a2ui.get` (`wire.md` section 11). */
const getSurface = inOrder<'a2ui.get'>((call) => viewOf(call));

/** `a2ui/replay` (`wire.md` section 11). */
const replaySurface = inOrder<'a2ui/replay'>((call) => viewOf(call));

/** `a2ui.reap` (`wire.md` section 11). */
const reap = inOrder<'a2ui.reap'>(({ kernel, from }) => {
  const removed = reapSurfaces(kernel, (surface) => isInRoomOf(from, surface));
  return { removed: removed.map((surface) => surfaceIdFor(from, surface)) };
});

/** `a2ui/subscribe` (`wire.md` section 11). Whoever lists the surfaces then misses nothing. */
const subscribeSurfaces: Handler<'a2ui/subscribe'> = ({ kernel, from }) => {
  subscribe(kernel, from);
  return { subscribed: true };
};

/** `a2ui/unsubscribe` (`wire.md` section 11). */
const unsubscribeSurfaces: Handler<'a2ui/unsubscribe'> = ({ kernel, from }) => {
  kernel.get(SURFACES).unsubscribe(from);
  return { subscribed: false };
};

/**
 * `a2ui.action` (`wire.md` section 11). On a surface of an A2A agent its owner answers, once that agent has. It goes there
 * with the credentials that the surface was given, so no other agent may have it sent.
 */
const act = inOrder<'a2ui.action'>(({ kernel, from, id, params, trace }) => {
  const { sourceComponentId, context = {}, timestamp = new Date().toISOString() } = params;
  checkSize(kernel, context);
  const { key } = placeFor(kernel, from, roomOf(from.principal), params.surfaceId);
  const surface = kernel.get(SURFACES).get(key);
  const owner = kernel.get(SURFACES).ownerOf(key);
  if (!surface || !owner?.ref) throw WireError.notFound('surface');
  const { surfaceId } = surface;
  const action = { name: params.name ?? params.action ?? '', surfaceId, sourceComponentId, timestamp, context };
  const { endpoint } = surface.route ?? {};
  const isOfAnother = from.agentId !== undefined && from.agentId !== surface.agentId;
  if (endpoint !== undefined && isOfAnother) throw WireError.forbidden('surface');
  const { maxPendingActions } = kernel.limits;
  if (endpoint !== undefined) {
    if (kernel.isDraining) throw WireError.draining();
    if (actionsOf(from).pending >= maxPendingActions) {
      throw WireError.limitExceeded('max_pending_actions', maxPendingActions);
    }
  }
  kernel.get(SURFACES).touch(key, kernel.clock.now());
  announceAction(kernel, kernel.ref, action, surface);
  const seenAs = surfaceIdFor(from, surface);
  if (endpoint === undefined) {
    kernel.get(SURFACES).countAction('none');
    return { event: { ...action, surfaceId: seenAs }, route: { status: 'none' } };
  }
  const actionId = kernel.get(SURFACES).nextActionId();
  actionsOf(from).pending += 1;
  const route = { ...surface.route, endpoint };
  owner.pending.set(actionId, {
    id: actionId,
    client: from,
    requestId: id,
    surfaceKey: key,
    surfaceId: seenAs,
    action,
    route,
    trace: withoutBaggage(trace),
    abort: new AbortController(),
  });
  tell(kernel.ref, owner.ref, { type: 'owner.send', actionId });
  return LATER;
});

/**
 * An agent changes its own surfaces, everybody else those of no agent in their room, and the host role all that it sees. An agent
 * that names a live turn which it answers works in the room of whoever asked.
 * @throws {WireError} `-32014`
 */
function authorOf(call: Call<unknown>, sessionId: string | undefined): Author {
  const { kernel, from } = call;
  const room = roomFor(call, sessionId);
  return {
    agentId: from.agentId,
    author: from.agentId === undefined ? undefined : from.principal,
    place: (surfaceId, isNew) => placeFor(kernel, from, room, surfaceId, isNew),
    mayChange: (surface) =>
      from.role === 'host' ||
      (surface.agentId === from.agentId && (from.agentId !== undefined || isInRoomOf(from, surface))),
  };
}

/** The session beside an envelope, whose parameters are otherwise the envelope's own. @throws {WireError} `-32602` */
function readSession(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const read = sessionId.safeParse(value);
  if (read.success) return read.data;
  throw WireError.invalidParams([{ path: 'session_id', message: read.error.issues[0]?.message ?? 'is none' }]);
}

/** @throws {WireError} `-32020` */
function viewOf(call: Call<{ surfaceId?: string | undefined; surface_id?: string | undefined }>): SurfaceView | null {
  const { kernel, from, params } = call;
  const place = placeFor(kernel, from, roomOf(from.principal), params.surfaceId ?? params.surface_id ?? '');
  const surface = kernel.get(SURFACES).get(place.key);
  if (!surface) return null;
  payForSight(kernel, from, new Set([surface.key]));
  return toView(surface, surfaceIdFor(from, surface));
}

/** What surfaces answer. */
export const surfaceMethods: Handlers = {
  'a2ui.capabilities': describeSurfaces,
  'a2ui.apply': applyEnvelope,
  'a2ui.ingest': ingestEnvelopes,
  'a2ui.surfaces': listSurfaces,
  'a2ui.get': getSurface,
  'a2ui.reap': reap,
  'a2ui.action': act,
  'a2ui/subscribe': subscribeSurfaces,
  'a2ui/unsubscribe': unsubscribeSurfaces,
  'a2ui/replay': replaySurface,
};
