import { BASIC_CATALOG, loadSchemas } from '../../actors/surfaces/schemas.ts';
import type { LinkedClient, Message } from './linked.ts';

/** The schemas take longer to load than a test waits: for `beforeAll`. */
export const loadSurfaceSchemas = async (): Promise<void> => void (await loadSchemas());

const version = 'v0.9';

export const create = (surfaceId: string, more: object = {}): Message => ({
  version,
  createSurface: { surfaceId, catalogId: BASIC_CATALOG, ...more },
});
export const components = (surfaceId: string, ...list: object[]): Message => ({
  version,
  updateComponents: { surfaceId, components: list },
});
export const text = (id: string, words: string): Message => ({ id, component: 'Text', text: words });
export const data = (surfaceId: string, path: string | undefined, value?: unknown): Message => ({
  version,
  updateDataModel: { surfaceId, ...(path === undefined ? {} : { path }), ...(value === undefined ? {} : { value }) },
});
export const remove = (surfaceId: string): Message => ({ version, deleteSurface: { surfaceId } });

/** The parameters of the surface events that a client received. */
export const surfaceEvents = (client: LinkedClient): Message[] =>
  client.received('a2ui.event').map(({ params }) => params);

/** The ids of all surfaces that a client sees. */
export const idsOf = async (client: LinkedClient): Promise<string[]> =>
  (await client.ok('a2ui.surfaces')).map(({ surfaceId }: Message) => surfaceId);

/** What a surface's data model is. */
export const modelOf = async (client: LinkedClient, surfaceId: string): Promise<unknown> =>
  (await client.ok('a2ui.get', { surfaceId })).dataModel;
