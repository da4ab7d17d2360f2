import { z } from 'zod';

/** A JSON object as it came off the wire. Own keys only: `__proto__` is an ordinary one. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed JSON value is an object (no array, no null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A JSON object that is passed on as it came. Not `z.record()`: that one copies, and loses a key named `__proto__`,
 * so the peer would read something else than its sender wrote (`wire.md` section 2).
 */
export const jsonObject = z.custom<JsonObject>(isObject, 'expected an object').meta({ type: 'object' });

/** How deep objects and arrays may nest. Far beyond real use, and far below where `JSON.stringify` overflows the stack. */
export const MAX_DEPTH = 200;

/** Whether a parsed JSON value nests deeper than {@link MAX_DEPTH}. The recursion is bounded by that depth. */
export function isTooDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isTooDeep(item, depth + 1)) return true;
    return false;
  }
  for (const key in value) if (isTooDeep((value as JsonObject)[key], depth + 1)) return true;
  return false;
}
