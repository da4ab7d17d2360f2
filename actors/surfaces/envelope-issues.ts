import { type Issue, WireError } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { EnvelopeKind } from '../../protocol/surfaces.ts';
import { issuesOf, type SurfaceSchemas } from './schemas.ts';

/** So many components are looked at; with the next ones, only if nothing is wrong with them. */
const AT_ONCE = 50;

/**
 * What the schema of its kind has against an envelope. Those schemas look at everything and keep an issue for each fault,
 * so lists of components are handed to them in slices, and no list in them is longer than a surface has components.
 * @throws {WireError} `-32020`
 */
export function envelopeIssues(
  schemas: SurfaceSchemas,
  kind: EnvelopeKind,
  envelope: JsonObject,
  path: string,
  mostComponents: number,
): Issue[] {
  const schema = schemas.envelopes[kind];
  const body = envelope[kind];
  if (kind !== 'updateComponents' || !isObject(body) || !Array.isArray(body.components)) {
    return issuesOf(schema, envelope, path);
  }
  const { components } = body;
  if (longestList(components) > mostComponents) throw WireError.limitExceeded('max_surface_components', mostComponents);
  // Once even of none: the rest of the envelope is looked at, too.
  for (let from = 0; from === 0 || from < components.length; from += AT_ONCE) {
    const part = { ...envelope, [kind]: { ...body, components: components.slice(from, from + AT_ONCE) } };
    const issues = issuesOf(schema, part, path, ([top, list, at, ...rest]) =>
      typeof at === 'number'
        ? ([top, list, at + from, ...rest] as PropertyKey[])
        : ([top, list, at, ...rest].filter((step) => step !== undefined) as PropertyKey[]),
    );
    if (issues.length > 0) return issues;
  }
  return [];
}

/** Elements of the longest array in a value, itself included. */
function longestList(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? value.length : 0;
  return Object.values(value).reduce((most: number, inner) => Math.max(most, longestList(inner)), own);
}
