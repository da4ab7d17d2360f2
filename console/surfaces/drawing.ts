import { isObject, type JsonObject } from '../../protocol/json.ts';

/** A surface as it is to be drawn. */
export interface Drawing {
  revision: number;
  catalogId: string;
  theme?: unknown;
  components: readonly JsonObject[];
  dataModel: unknown;
}

/** The surface that the envelopes of `a2ui/replay` make. */
export function drawingOf({ revision, envelopes }: { revision: number; envelopes: readonly JsonObject[] }): Drawing {
  const drawing: Drawing = { revision, catalogId: '', components: [], dataModel: {} };
  for (const { createSurface, updateComponents, updateDataModel } of envelopes) {
    if (isObject(createSurface)) {
      drawing.catalogId = String(createSurface.catalogId);
      drawing.theme = createSurface.theme;
    }
    if (isObject(updateComponents)) drawing.components = updateComponents.components as readonly JsonObject[];
    if (isObject(updateDataModel)) drawing.dataModel = updateDataModel.value;
  }
  return drawing;
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
