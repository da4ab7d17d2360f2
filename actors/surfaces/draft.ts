import { MAX_ISSUES } from '../../protocol/bounds.ts';
import { type Issue, WireError } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { ENVELOPE_KINDS, type EnvelopeKind, MAX_CATALOG_ID, MAX_SURFACE_ID } from '../../protocol/surfaces.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { bindingIssues } from './bindings.ts';
import { setAt } from './data-model.ts';
import { envelopeIssues } from './envelope-issues.ts';
import type { FoundEnvelope } from './envelopes.ts';
import { BASIC_CATALOG, below, issuesOf, type SurfaceSchemas } from './schemas.ts';
import type { Change, Route, Surface } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/** Who changes surfaces, and how far that goes. */
export interface Author {
  /** Whose the surfaces are that it makes; none: everybody's who is no agent. */
  readonly agentId: string | undefined;
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
  const { maxSurfaceBytes, maxSurfaceComponents, maxSurfaces } = kernel.limits;
  for (const { envelope } of envelopes) {
    if (jsonBytes(envelope) > maxSurfaceBytes) throw WireError.limitExceeded('max_surface_bytes', maxSurfaceBytes);
  }
  const checked = envelopes.map(({ envelope, path }) => ({
    ...checkEnvelope(schemas, envelope, path, maxSurfaceComponents),
    path,
  }));
  const drafts = new Map<string, Surface | undefined>();
  /** Gone with what it had, its route too, even where it is made again: as if the envelopes had come one by one. */
  const deleted = new Set<string>();
  /** Copies that these envelopes have made, and may change in place: one of each thing, however many they are. */
  const own = new Set<unknown>();
  const current = (id: string) => (drafts.has(id) ? drafts.get(id) : kernel.get(SURFACES).get(id));

  for (const { kind, body, path } of checked) {
    const { surfaceId } = body;
    const known = kernel.get(SURFACES).get(surfaceId);
    if (known && !author.mayChange(known)) throw WireError.forbidden('surface');
    const before = current(surfaceId);
    if (kind === 'deleteSurface') {
      drafts.set(surfaceId, undefined);
      deleted.add(surfaceId);
    } else if (kind === 'createSurface') drafts.set(surfaceId, created(body, before, author));
    else if (!before) throw WireError.notFound('surface');
    else drafts.set(surfaceId, updated(schemas, before, kind, body, path, own));
  }

  const changes = [...drafts].map(([surfaceId, draft]) => {
    const before = kernel.get(SURFACES).get(surfaceId);
    const former = deleted.has(surfaceId) ? undefined : before;
    return { surfaceId, before, after: draft && finished(kernel, draft, former, author) };
  });
  const grown = changes.reduce((sum, { before, after }) => sum + (after ? 1 : 0) - (before ? 1 : 0), 0);
  if (grown > 0 && kernel.get(SURFACES).size + grown > maxSurfaces)
    throw WireError.limitExceeded('max_surfaces', maxSurfaces);
  return changes;
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

function created(body: Body, known: Surface | undefined, author: Author): Surface {
  const now = Date.now();
  return {
    surfaceId: body.surfaceId,
    catalogId: String(body.catalogId),
    theme: body.theme,
    sendDataModel: body.sendDataModel === true,
    components: new Map(),
    dataModel: {},
    agentId: known ? known.agentId : author.agentId,
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
  return { ...draft, route, bytes, revision: kernel.get(SURFACES).nextRevision(), updatedAt: Date.now() };
}

function refuse(issues: Issue[]): never {
  throw WireError.invalidParams(issues);
}

/** The envelope in the parameters of `a2ui.apply`: they are it, or have it. */
export function envelopeOf(params: JsonObject): FoundEnvelope {
  const isWrapped = Object.hasOwn(params, 'envelope') && !ENVELOPE_KINDS.some((kind) => Object.hasOwn(params, kind));
  if (!isWrapped) return { envelope: params, path: '' };
  if (!isObject(params.envelope)) refuse([{ path: 'envelope', message: 'expected an object' }]);
  return { envelope: params.envelope, path: 'envelope' };
}
