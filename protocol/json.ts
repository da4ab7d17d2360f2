/** A JSON object as it came off the wire. Own keys only: `__proto__` is an ordinary one. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed JSON value is an object (no array, no null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether an object has no member. */
export function isEmpty(object: object): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return false;
  return true;
}

/** Whether a member is there: in what goes on as it came, `null` stands for what is not (`wire.md`, head). */
export function isThere<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

/** How deep objects and arrays may nest. Far beyond real use, and far below where `JSON.stringify` overflows the stack. */
export const MAX_DEPTH = 200;

/**
 * Why a parsed JSON value could not be written again as it was read, if so: it nests deeper than {@link MAX_DEPTH}, or
 * a number in it is beyond what there is (`1e400` would go on as `null`). The recursion is bounded by that depth.
 */
export function unwritable(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'holds a number out of range';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const reason = unwritable(item, depth + 1);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }
  for (const key in value) {
    const reason = unwritable((value as JsonObject)[key], depth + 1);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
