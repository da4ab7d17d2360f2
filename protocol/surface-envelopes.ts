import type { JsonObject } from './json.ts';
import type { SurfaceView } from './surfaces.ts';

/** The envelopes that make a surface from nothing, for a renderer of A2UI 0.9. */
export function toEnvelopes(surface: SurfaceView): JsonObject[] {
  const { surfaceId, catalogId, theme, sendDataModel, components, dataModel } = surface;
  const version = 'v0.9';
  const create = { surfaceId, catalogId, ...(theme === undefined ? {} : { theme }), sendDataModel };
  return [
    { version, createSurface: create },
    // A renderer takes no empty list.
    ...(components.length === 0 ? [] : [{ version, updateComponents: { surfaceId, components } }]),
    { version, updateDataModel: { surfaceId, path: '/', value: dataModel } },
  ];
}
