import { z } from 'zod';
import { list, listing, longText, nameText, shortText } from './bounds.ts';
import { agentId, sessionId } from './ids.ts';
import { isObject, isThere } from './json.ts';
import { jsonObject } from './json-object.ts';
import { routeAuth } from './route-auth.ts';

/** What may stand in an envelope, exactly one of them (A2UI 0.9). */
export const ENVELOPE_KINDS = ['createSurface', 'updateComponents', 'updateDataModel', 'deleteSurface'] as const;
/** See {@link ENVELOPE_KINDS}. */
export type EnvelopeKind = (typeof ENVELOPE_KINDS)[number];

/** The kinds of `a2ui.event`, which are kinds of `host.event` too. */
export const SURFACE_EVENT_KINDS = ['a2ui.surface_updated', 'a2ui.surface_deleted', 'a2ui.action'] as const;
/** See {@link SURFACE_EVENT_KINDS}. */
export type SurfaceEventKind = (typeof SURFACE_EVENT_KINDS)[number];

/** What A2UI 0.9 goes by where it is sent as a part of something else; 1.0 calls itself `application/a2ui+json`. */
export const A2UI_MIME_TYPE = 'application/json+a2ui';
/** The version of A2UI that envelopes are checked against. */
export const A2UI_VERSION = 'v0.9';

/** Characters that a surface's id may have. */
export const MAX_SURFACE_ID = 256;
/** Characters that a catalog's id, an address, may have: listings and events carry it. */
export const MAX_CATALOG_ID = 2_048;
const surfaceId = z.string().min(1).max(MAX_SURFACE_ID);
const millis = z.number().meta({ description: 'Unix milliseconds' });
const a2aId = z.string().min(1).max(256);

/** Who an A2A surface's actions go to, as anybody may see it. */
export const surfaceOwner = z.object({
  kind: z.literal('a2a'),
  taskId: shortText().optional(),
  contextId: shortText().optional(),
  endpoint: shortText().optional().meta({ description: 'without its query' }),
});
/** See {@link surfaceOwner}. */
export type SurfaceOwnerRow = z.infer<typeof surfaceOwner>;

const common = {
  surfaceId,
  catalogId: z.string().max(MAX_CATALOG_ID),
  agentId: agentId.nullable().meta({ description: 'the agent that it belongs to; null: to all that are no agents' }),
  owner: surfaceOwner.optional(),
  revision: z.number().meta({ description: 'grows with each change' }),
  createdAt: millis,
  updatedAt: millis,
};

/** A surface, whole. */
export const surfaceView = z.object({
  ...common,
  theme: z.unknown().optional(),
  sendDataModel: z.boolean(),
  components: listing(jsonObject),
  dataModel: z.unknown(),
});
/** See {@link surfaceView}. */
export type SurfaceView = z.infer<typeof surfaceView>;

/** A surface in a listing: whole where there is room for it, else without what is on it. */
export const surfaceRow = surfaceView.partial({ sendDataModel: true, components: true, dataModel: true }).extend({
  componentCount: z.number(),
  bytes: z.number().meta({ description: 'of what is on it' }),
});
/** See {@link surfaceRow}. */
export type SurfaceRow = z.infer<typeof surfaceRow>;

/** What came of one envelope, or of all of an ingest's for one surface. */
export const appliedEnvelope = z.object({
  surfaceId,
  deleted: z.boolean(),
  surface: surfaceView.optional().meta({ description: 'as it is now, where it is; not beyond 1 MiB of one answer' }),
});
/** See {@link appliedEnvelope}. */
export type Applied = z.infer<typeof appliedEnvelope>;

export const applyEnvelopeParams = jsonObject.meta({
  type: 'object',
  description: 'an envelope, or `{envelope}`; beside either a `session_id`, as in `a2ui.ingest`',
});

export const ingestEnvelopesParams = z.object({
  payload: z
    .unknown()
    .refine((payload) => typeof payload === 'object' && payload !== null, 'expected an object or an array')
    .meta({ description: 'an A2A task, message, artifact, update, part, or anything of these in a result' }),
  owner: z
    .object({
      kind: z.literal('a2a').default('a2a'),
      taskId: a2aId.optional(),
      contextId: a2aId.optional(),
      endpoint: z.string().max(2048).optional(),
    })
    .optional(),
  endpoint: z.string().max(2048).optional().meta({ description: 'the same as `owner.endpoint`' }),
  routeAuth: routeAuth.optional(),
  allowUntrustedEndpoint: z.boolean().default(false).meta({ description: 'the endpoint may be off loopback' }),
  session_id: sessionId.optional().meta({
    description: 'a live turn that the calling agent answers: the surfaces are for whoever asked there',
  }),
});
const INGEST_OPTIONS = ['owner', 'endpoint', 'routeAuth', 'allowUntrustedEndpoint'] as const;

/** `a2ui.ingest` whose parameters are the payload itself, as if they had it as `payload`. */
export function ingestParams(params: unknown): unknown {
  if (Array.isArray(params)) return params.length === 0 ? params : { payload: params };
  if (!isObject(params) || isThere(params.payload)) return params;
  const options = Object.entries(params).filter(([name]) => INGEST_OPTIONS.some((option) => option === name));
  const rest = { ...params };
  for (const [name] of options) delete rest[name];
  delete rest.payload;
  return Object.keys(rest).length === 0 ? params : { ...Object.fromEntries(options), payload: rest };
}

export const ingestEnvelopesResult = z.object({ applied: listing(appliedEnvelope) });

const eitherId = z
  .object({ surfaceId: surfaceId.optional(), surface_id: surfaceId.optional() })
  .refine((ids) => ids.surfaceId !== undefined || ids.surface_id !== undefined, {
    path: ['surfaceId'],
    message: 'is missing',
  });
export const getSurfaceParams = eitherId;
export const getSurfaceResult = surfaceView.nullable();
export const replaySurfaceParams = eitherId;
export const replaySurfaceResult = surfaceView.nullable();
export const surfacesResult = listing(surfaceRow);
export const reapSurfacesResult = z.object({ removed: listing(surfaceId).meta({ description: 'their ids' }) });
export const surfaceCapabilitiesResult = z.object({
  version: nameText(),
  mimeType: nameText(),
  catalogs: list(shortText(), 100).meta({ description: 'whose components are checked one by one; others may be used' }),
  components: list(nameText(), 1_000).meta({ description: 'of those catalogs' }),
  limits: z.object({ surfaces: z.number(), components: z.number(), bytes: z.number(), idleMs: z.number() }),
});

/** What a person did on a surface, as A2UI 0.9 has it. */
export const surfaceAction = z.object({
  name: nameText(),
  surfaceId,
  sourceComponentId: nameText(),
  timestamp: nameText().meta({ description: 'ISO 8601' }),
  context: jsonObject,
});
/** See {@link surfaceAction}. */
export type SurfaceAction = z.infer<typeof surfaceAction>;

const isoTime = z.iso.datetime({ offset: true });
const timestamp = z
  .string()
  .max(64)
  .refine((text) => isoTime.safeParse(text).success, 'is no ISO 8601 time');
const actionName = z.string().min(1).max(256);
export const surfaceActionParams = z
  .object({
    name: actionName.optional(),
    action: actionName.optional().meta({ description: 'the same as `name`' }),
    surfaceId,
    sourceComponentId: z.string().min(1).max(256),
    timestamp: timestamp.optional().meta({ description: 'ISO 8601; default: now' }),
    context: jsonObject.optional(),
  })
  .refine((action) => action.name !== undefined || action.action !== undefined, {
    path: ['name'],
    message: 'is missing',
  });

/** What came of an action besides its event; for whoever acted alone. */
export const actionRoute = z.object({
  status: z.enum(['none', 'sent', 'failed']).meta({ description: '`none`: the surface has no A2A endpoint' }),
  protocol: z.enum(['1.0', '0.3']).optional(),
  taskId: longText().optional(),
  contextId: longText().optional(),
  state: longText().optional().meta({ description: 'of the task, `TASK_STATE_…`' }),
  text: shortText().optional().meta({ description: 'what the agent said, cut after 2,048 characters' }),
  applied: listing(surfaceId).optional().meta({ description: 'surfaces that the answer changed' }),
  reason: z
    .enum([
      'unreachable',
      'redirect',
      'http',
      'too_large',
      'rejected',
      'invalid_answer',
      'timeout',
      'draining',
      'removed',
      'envelopes',
      'internal',
    ])
    .optional()
    .meta({ description: 'why it failed; `envelopes` with `sent`: the answer’s envelopes were refused' }),
  message: longText().optional(),
});
/** See {@link actionRoute}. */
export type ActionRoute = z.infer<typeof actionRoute>;

export const surfaceActionResult = z.object({ event: surfaceAction, route: actionRoute });
export const subscribeSurfacesResult = z.object({ subscribed: z.literal(true) });
export const unsubscribeSurfacesResult = z.object({ subscribed: z.literal(false) });

/** `a2ui.event`: what subscribers of surfaces hear. */
export const surfaceEvent = z.object({
  kind: z.enum(SURFACE_EVENT_KINDS),
  result: z.union([appliedEnvelope, z.object({ event: surfaceAction })]),
});
/** See {@link surfaceEvent}. */
export type SurfaceEvent = z.infer<typeof surfaceEvent>;

/** The parameters of an ingest as anybody may see them: nothing in them has been checked but their types. */
export function publicIngest(params: unknown): unknown {
  if (!isObject(params)) return params;
  const { endpoint, owner } = params;
  return {
    ...params,
    ...(typeof endpoint === 'string' ? { endpoint: withoutQuery(endpoint) } : {}),
    ...(isObject(owner) && typeof owner.endpoint === 'string'
      ? { owner: { ...owner, endpoint: withoutQuery(owner.endpoint) } }
      : {}),
  };
}

/** By hand: it may be no URL. */
function withoutQuery(endpoint: string): string {
  return endpoint.replace(/[?#].*$/s, '');
}
