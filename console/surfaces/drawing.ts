import type { JsonObject } from '../../protocol/json.ts';

/** A surface as it is to be drawn. */
export interface Drawing {
  revision: number;
  catalogId: string;
  theme?: unknown;
  components: readonly JsonObject[];
  dataModel: unknown;
}

/** Whether the one can become the other piece by piece. Else it is drawn anew. */
export function isSameSurface(before: Drawing, after: Drawing): boolean {
  if (before.catalogId !== after.catalogId) return false;
  if (JSON.stringify(before.theme) !== JSON.stringify(after.theme)) return false;
  const types = new Map(after.components.map(({ id, component }) => [id, component]));
  // What is no longer there may go; the root may not, and nothing may turn into something else.
  return before.components.every(({ id, component }) => {
    const now = types.get(id);
    return now === component || (now === undefined && id !== 'root');
  });
}
