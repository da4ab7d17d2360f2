import { WireError } from '../../protocol/errors.ts';
import type { RequestMethod, ResultOf } from '../../protocol/methods.ts';
import { A2UI_MIME_TYPE, A2UI_VERSION, type Applied } from '../../protocol/surfaces.ts';
import type { Client } from '../kernel/client.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { type Call, type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { checkSize, jsonBytes } from '../requests/payload-size.ts';
import { reply } from '../requests/reply.ts';
import { actionsOf } from './client-actions.ts';
import { commitChanges, reapSurfaces } from './commit.ts';
import { type Author, draftChanges, envelopeOf } from './draft.ts';
import { findEnvelopes } from './envelopes.ts';
import { announceAction, subscribe } from './feeds.ts';
import { payForChange, payForSight } from './price.ts';
import { BASIC_CATALOG, isLoadingSchemas, loadedSchemas, loadSchemas, type SurfaceSchemas } from './schemas.ts';
import { type Change, type Surface, toApplied, toEnvelopes, toRow, toView } from './surface.ts';
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
const applyEnvelope = withSchemas<'a2ui.apply'>(({ kernel, from, params }, schemas) => {
  const envelopes = [envelopeOf(params)];
  payForChange(kernel, from, envelopes);
  const changes = draftChanges(kernel, schemas, authorOf(from), envelopes);
  commitChanges(kernel, changes);
  const [change] = changes;
  if (!change) throw new Error('an envelope changed no surface');
  return toApplied(change);
});

/** `a2ui.ingest` (`wire.md` section 11): all or none. */
const ingestEnvelopes = withSchemas<'a2ui.ingest'>(({ kernel, from, params }, schemas) => {
  const { maxIngestBytes, maxEnvelopes } = kernel.limits;
  const route = wishedRoute(params);
  if (jsonBytes(params.payload) > maxIngestBytes) throw WireError.limitExceeded('max_ingest_bytes', maxIngestBytes);
  const envelopes = findEnvelopes(params.payload, maxEnvelopes);
  if (envelopes.length > maxEnvelopes) throw WireError.limitExceeded('max_envelopes', maxEnvelopes);
  payForChange(kernel, from, envelopes);
  const changes = draftChanges(kernel, schemas, { ...authorOf(from), ...(route ? { route } : {}) }, envelopes);
  commitChanges(kernel, changes);
  return { applied: appliedOf(changes, maxIngestBytes) };
});

/** What came of an ingest: with the surfaces, as many as are not too much for one answer; small changes may touch many. */
function appliedOf(changes: readonly Change[], mostBytes: number): Applied[] {
  let bytes = 0;
  return changes.map((change) => {
    bytes += change.after?.bytes ?? 0;
    return bytes <= mostBytes ? toApplied(change) : { surfaceId: change.surfaceId, deleted: !change.after };
  });
}

/** `a2ui.surfaces` (`wire.md` section 11). */
const listSurfaces = inOrder<'a2ui.surfaces'>(({ kernel }) => ({
  surfaces: [...kernel.get(SURFACES)].map(toRow),
}));

/** `a2ui.get` (`wire.md` section 11). */
const getSurface = inOrder<'a2ui.get'>((call) => ({ surface: toView(find(call)) }));

/** `a2ui/replay` (`wire.md` section 11). */
const replaySurface = inOrder<'a2ui/replay'>((call) => {
  const surface = find(call);
  return { surfaceId: surface.surfaceId, revision: surface.revision, envelopes: toEnvelopes(surface) };
});

/** `a2ui.reap` (`wire.md` section 11). */
const reap = inOrder<'a2ui.reap'>(({ kernel }) => ({ removed: reapSurfaces(kernel) }));

/** `a2ui/subscribe` (`wire.md` section 11): registered before the listing is read, so nothing falls between them. */
const subscribeSurfaces: Handler<'a2ui/subscribe'> = ({ kernel, from }) => {
  subscribe(kernel, from);
  return { subscribed: true, surfaces: [...kernel.get(SURFACES)].map(toRow) };
};

/** `a2ui/unsubscribe` (`wire.md` section 11). */
const unsubscribeSurfaces: Handler<'a2ui/unsubscribe'> = ({ kernel, from }) => ({
  unsubscribed: kernel.get(SURFACES).unsubscribe(from),
});

/**
 * `a2ui.action` (`wire.md` section 11). On a surface of an A2A agent its owner answers, once that agent has. It goes there
 * with the credentials that the surface was given, so no other agent may have it sent.
 */
const act = inOrder<'a2ui.action'>(({ kernel, from, id, params }) => {
  const { surfaceId, sourceComponentId, context = {}, timestamp = new Date().toISOString() } = params;
  const action = { name: params.name ?? params.action ?? '', surfaceId, sourceComponentId, timestamp, context };
  checkSize(kernel, context);
  const surface = kernel.get(SURFACES).get(surfaceId);
  const owner = kernel.get(SURFACES).ownerOf(surfaceId);
  if (!surface || !owner?.ref) throw WireError.notFound('surface');
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
  kernel.get(SURFACES).touch(surfaceId, kernel.clock.now());
  announceAction(kernel, kernel.ref, action, surface.agentId);
  if (endpoint === undefined) {
    kernel.get(SURFACES).countAction('none');
    return { event: action, route: { status: 'none' } };
  }
  const actionId = kernel.get(SURFACES).nextActionId();
  actionsOf(from).pending += 1;
  const route = { ...surface.route, endpoint };
  owner.pending.set(actionId, {
    id: actionId,
    client: from,
    requestId: id,
    action,
    route,
    abort: new AbortController(),
  });
  tell(kernel.ref, owner.ref, { type: 'owner.send', actionId });
  return LATER;
});

/** An agent changes its own surfaces, everybody else those of no agent, and the host role all of them. */
function authorOf(from: Client): Author {
  return {
    agentId: from.agentId,
    mayChange: ({ agentId }) => agentId === from.agentId || from.role === 'host',
  };
}

/** @throws {WireError} `-32014`, `-32020` */
function find(call: Call<{ surfaceId?: string | undefined; surface_id?: string | undefined }>): Surface {
  const { kernel, from, params } = call;
  const surface = kernel.get(SURFACES).get(params.surfaceId ?? params.surface_id ?? '');
  if (!surface) throw WireError.notFound('surface');
  payForSight(kernel, from, surface.surfaceId);
  return surface;
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
