import { MAX_ISSUES } from '../../protocol/bounds.ts';
import { type Issue, WireError } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { type Principal, principalKey } from '../../protocol/principal.ts';
import { ENVELOPE_KINDS, type EnvelopeKind, MAX_CATALOG_ID, MAX_SURFACE_ID } from '../../protocol/surfaces.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { bindingIssues } from './bindings.ts';
import { setAt } from './data-model.ts';
import { envelopeIssues } from './envelope-issues.ts';
import { type FoundEnvelope, isEnvelope, withoutAbsent } from './envelopes.ts';
import type { Place } from './rooms.ts';
import { BASIC_CATALOG, below, issuesOf, type SurfaceSchemas } from './schemas.ts';
import type { Change, Route, Surface } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/** Who changes surfaces, and how far that goes. */
export interface Author {
  /** Whose the surfaces are that it makes; none: everybody's of the room who is no agent. */
  readonly agentId: string | undefined;
  /** Its principal, where it is an agent. */
  readonly author: Principal | undefined;
  /** Where the surface is that it calls so, or would be. @param isNew it is being made */
  place(surfaceId: string, isNew: boolean): Place;
  mayChange(surface: Surface): boolean;
  /** Where the actions on them go from now on. Left out: where they went. */
  route?(before: Surface | undefined): Route | undefined;
}

/**
 * What envelopes make of the surfaces, one change for each surface that they touch. Nothing has happened yet: whoever
 * asked commits the changes, and after an error there is nothing to undo.
 * @throws {WireError} `-32602`, `-32014`, `-32015`, `-32020`
 */
export function draftChanges(
  kernel: Kernel,
  schemas: SurfaceSchemas,
  author: Author,
  envelopes: readonly FoundEnvelope[],
): Change[] {
  const { maxSurfaceBytes, maxSurfaceComponents } = kernel.limits;
  for (const { envelope } of envelopes) {
    if (jsonBytes(envelope) > maxSurfaceBytes) throw WireError.limitExceeded('max_surface_bytes', maxSurfaceBytes);
  }
  const checked = envelopes.map(({ envelope, path }) => ({
    ...checkEnvelope(schemas, envelope, path, maxSurfaceComponents),
    path,
  }));
  const drafts = new Map<string, { place: Place; draft: Surface | undefined }>();
  /** By their ids: one that these envelopes make is meant by those that follow. */
  const places = new Map<string, Place>();
  /** Gone with what it had, its route too, even where it is made again: as if the envelopes had come one by one. */
  const deleted = new Set<string>();
  /** Copies that these envelopes have made, and may change in place: one of each thing, however many they are. */
  const own = new Set<unknown>();
  const current = ({ key }: Place) => (drafts.has(key) ? drafts.get(key)?.draft : kernel.get(SURFACES).get(key));

  for (const { kind, body, path } of checked) {
    const place = places.get(body.surfaceId) ?? author.place(body.surfaceId, kind === 'createSurface');
    places.set(body.surfaceId, place);
    const { key } = place;
    const known = kernel.get(SURFACES).get(key);
    if (known && !author.mayChange(known)) throw WireError.forbidden('surface');
    const before = current(place);
    if (kind === 'deleteSurface') {
      drafts.set(key, { place, draft: undefined });
      deleted.add(key);
    } else if (kind === 'createSurface') drafts.set(key, { place, draft: created(body, place, before, author) });
    else if (!before) throw WireError.notFound('surface');
    else drafts.set(key, { place, draft: updated(schemas, before, kind, body, path, own) });
  }

  const changes = [...drafts].map(([key, { place, draft }]) => {
    const before = kernel.get(SURFACES).get(key);
    const former = deleted.has(key) ? undefined : before;
    const { owner, surfaceId } = place;
    return { key, owner, surfaceId, before, after: draft && finished(kernel, draft, former, author) };
  });
  checkRoom(kernel, changes);
  return changes;
}

/** A principal may have so many surfaces, and all of them together so many. @throws {WireError} `-32020` */
function checkRoom(kernel: Kernel, changes: readonly Change[]): void {
  const { maxSurfaces, maxAllSurfaces } = kernel.limits;
  const surfaces = kernel.get(SURFACES);
  /** By principal: two objects may be the same one. */
  const grown = new Map<string, { owner: Principal; more: number }>();
  let all = 0;
  for (const { owner, before, after } of changes) {
    const more = (after ? 1 : 0) - (before ? 1 : 0);
    all += more;
    const key = principalKey(owner);
    grown.set(key, { owner, more: (grown.get(key)?.more ?? 0) + more });
  }
  for (const { owner, more } of grown.values())
    if (more > 0 && surfaces.countIn(owner) + more > maxSurfaces)
      throw WireError.limitExceeded('max_surfaces', maxSurfaces);
  if (all > 0 && surfaces.size + all > maxAllSurfaces)
    throw WireError.limitExceeded('max_all_surfaces', maxAllSurfaces);
}

type Body = JsonObject & { surfaceId: string };

/** The one thing that an envelope says. @throws {WireError} `-32602`, `-32020` */
function checkEnvelope(
  schemas: SurfaceSchemas,
  envelope: JsonObject,
  path: string,
  mostComponents: number,
): { kind: EnvelopeKind; body: Body } {
  const kinds = ENVELOPE_KINDS.filter((kind) => Object.hasOwn(envelope, kind));
  const [kind, second] = kinds;
  if (!kind || second) refuse([{ path, message: `has exactly one of ${ENVELOPE_KINDS.join(', ')}` }]);
  const issues = envelopeIssues(schemas, kind, envelope, path, mostComponents);
  if (issues.length > 0) refuse(issues);
  const body = envelope[kind] as Body;
  if (body.surfaceId === '' || body.surfaceId.length > MAX_SURFACE_ID) {
    refuse([{ path: below(path, kind, 'surfaceId'), message: `is 1–${MAX_SURFACE_ID} characters` }]);
  }
  // It stands in every listing and event, which have the surface's content in none.
  if (String(body.catalogId ?? '').length > MAX_CATALOG_ID) {
    refuse([{ path: below(path, kind, 'catalogId'), message: `has more than ${MAX_CATALOG_ID} characters` }]);
  }
  return { kind, body };
}

function created(body: Body, place: Place, known: Surface | undefined, { agentId, author }: Author): Surface {
  const now = Date.now();
  return {
    key: place.key,
    owner: place.owner,
    surfaceId: place.surfaceId,
    catalogId: String(body.catalogId),
    theme: body.theme,
    sendDataModel: body.sendDataModel === true,
    components: new Map(),
    dataModel: {},
    agentId: known ? known.agentId : agentId,
    author: known ? known.author : author,
    route: known?.route,
    revision: 0,
    createdAt: now,
    updatedAt: now,
    bytes: 0,
    sizes: {
      catalogId: jsonBytes(body.catalogId),
      components: 0,
      dataModel: jsonBytes({}),
      theme: jsonBytes(body.theme),
    },
  };
}

function updated(
  schemas: SurfaceSchemas,
  before: Surface,
  kind: EnvelopeKind,
  body: Body,
  path: string,
  own: Set<unknown>,
): Surface {
  if (kind === 'updateDataModel') {
    const at = typeof body.path === 'string' ? body.path : '/';
    const model = { root: before.dataModel, bytes: before.sizes.dataModel };
    try {
      const { root, bytes } = setAt(model, at, body.value, own);
      return { ...before, dataModel: root, sizes: { ...before.sizes, dataModel: bytes } };
    } catch (error) {
      if (error instanceof RangeError) refuse([{ path: below(path, kind, 'path'), message: error.message }]);
      throw error;
    }
  }
  const { catalogId, sizes } = before;
  const components = own.has(before.components) ? (before.components as Components) : new Map(before.components);
  own.add(components);
  let bytes = sizes.components;
  const issues: Issue[] = [];
  for (const [index, component] of (body.components as JsonObject[]).entries()) {
    const at = below(path, kind, 'components', String(index));
    issues.push(...componentIssues(schemas, catalogId, component, at));
    if (issues.length >= MAX_ISSUES) break;
    if (typeof component.id !== 'string') continue;
    bytes += sizeInList(component) - sizeInList(components.get(component.id));
    components.set(component.id, component);
  }
  if (issues.length > 0) refuse(issues);
  return { ...before, components, sizes: { ...sizes, components: bytes } };
}

type Components = Map<string, JsonObject>;

/** With its comma. */
function sizeInList(component: JsonObject | undefined): number {
  return component ? jsonBytes(component) + 1 : 0;
}

function componentIssues(schemas: SurfaceSchemas, catalogId: string, component: JsonObject, at: string): Issue[] {
  const { id, component: name, ...properties } = component;
  if (typeof id !== 'string' || id === '') return [{ path: below(at, 'id'), message: 'is missing' }];
  if (catalogId !== BASIC_CATALOG) return [];
  const schema = schemas.components.get(String(name));
  if (!schema) return [{ path: below(at, 'component'), message: 'is none of the basic catalog' }];
  return [...issuesOf(schema, properties, at), ...bindingIssues(component, at)];
}

/** A draft as it will be kept. @throws {WireError} where it has grown too large. */
function finished(kernel: Kernel, draft: Surface, before: Surface | undefined, author: Author): Surface {
  const { maxSurfaceComponents, maxSurfaceBytes } = kernel.limits;
  const { components, sizes } = draft;
  if (components.size > maxSurfaceComponents) {
    throw WireError.limitExceeded('max_surface_components', maxSurfaceComponents);
  }
  const bytes = sizes.catalogId + sizes.components + sizes.dataModel + sizes.theme;
  if (bytes > maxSurfaceBytes) throw WireError.limitExceeded('max_surface_bytes', maxSurfaceBytes);
  const route = author.route ? author.route(before) : draft.route;
  return { ...draft, route, bytes, revision: kernel.get(SURFACES).nextRevision(draft.owner), updatedAt: Date.now() };
}

function refuse(issues: Issue[]): never {
  throw WireError.invalidParams(issues);
}

/** The envelope in the parameters of `a2ui.apply`: they are it, or have it. */
export function envelopeOf(params: JsonObject): FoundEnvelope {
  if (!Object.hasOwn(params, 'envelope') || isEnvelope(params)) return { envelope: withoutAbsent(params), path: '' };
  if (!isObject(params.envelope)) refuse([{ path: 'envelope', message: 'expected an object' }]);
  return { envelope: withoutAbsent(params.envelope), path: 'envelope' };
}
