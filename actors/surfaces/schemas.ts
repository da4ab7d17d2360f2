import { MAX_ISSUES } from '../../protocol/bounds.ts';
import type { Issue } from '../../protocol/errors.ts';
import type { EnvelopeKind } from '../../protocol/surfaces.ts';
import type { Schema } from './a2ui.ts';

/** The schemas of A2UI 0.9, from `@a2ui/web_core`. */
export interface SurfaceSchemas {
  readonly envelopes: Readonly<Record<EnvelopeKind, Schema>>;
  /** Components of the basic catalog by name: each one's properties besides `id` and `component`. */
  readonly components: ReadonlyMap<string, Schema>;
}

/** The catalog whose components are checked one by one. Surfaces of other catalogs are checked as far as A2UI goes. */
export const BASIC_CATALOG = 'https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json';

let loaded: SurfaceSchemas | undefined;
let loading: Promise<SurfaceSchemas> | undefined;

/** The schemas, once {@link loadSchemas} has brought them in. */
export function loadedSchemas(): SurfaceSchemas | undefined {
  return loaded;
}

/** Whether somebody waits for them. */
export function isLoadingSchemas(): boolean {
  return loading !== undefined && loaded === undefined;
}

/**
 * Brings the schemas in. At the first surface, not at the start: they come with a zod of their own, and many brokers
 * never see a surface.
 */
export function loadSchemas(): Promise<SurfaceSchemas> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<SurfaceSchemas> {
  const { envelopes, components } = await import('./a2ui.ts');
  loaded = { envelopes, components };
  return loaded;
}

/**
 * What a schema has against a value, with paths below `at`. Empty: nothing. It looks at all of the value, and makes an
 * issue of each fault, whatever is named of them: how much there is to look at is for the caller to bound.
 */
export function issuesOf(
  schema: Schema,
  value: unknown,
  at: string,
  shift: (path: PropertyKey[]) => PropertyKey[] = (path) => path,
): Issue[] {
  const { success, error } = schema.safeParse(value);
  if (success) return [];
  return (error?.issues ?? [])
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => ({ path: below(at, ...shift([...path]).map(String)), message }));
}

/** A dotted path. */
export function below(at: string, ...path: readonly string[]): string {
  return [at, ...path].filter((part) => part !== '').join('.');
}
