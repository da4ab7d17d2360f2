import { isObject, type JsonObject } from '../../protocol/json.ts';

/** Segments that no renderer resolves, because they would lead out of the data. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** How far beyond an array's end an item may be put; what is between becomes null. */
const MAX_GAP = 100;
/** How many segments a path may have. */
const MAX_SEGMENTS = 64;

/**
 * A data model with the value at a JSON pointer replaced, as A2UI 0.9 has it: `/` or nothing is the whole, no value
 * removes, and what is missing on the way is made. What was there is left as it was: only the way to it is copied, and
 * keys are own ones, whatever they are called.
 * @throws {RangeError} with what is wrong about the path.
 */
export function setAt(root: unknown, path: string, value: unknown): unknown {
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => segment.replace(/~([01])/g, (_, digit: string) => (digit === '1' ? '/' : '~')));
  if (segments.length > MAX_SEGMENTS) throw new RangeError(`has more than ${MAX_SEGMENTS} segments`);
  if (segments.some((segment) => FORBIDDEN.has(segment))) throw new RangeError('has a segment that is not allowed');
  if (segments.length === 0) return value === undefined ? {} : value;
  return put(root ?? {}, segments, 0, value);
}

function put(node: unknown, segments: readonly string[], depth: number, value: unknown): unknown {
  const segment = segments[depth];
  if (segment === undefined) return value;
  const nested = (child: unknown) => put(child ?? containerFor(segments[depth + 1]), segments, depth + 1, value);
  if (Array.isArray(node)) {
    if (!isIndex(segment)) throw new RangeError('names no index of an array');
    const index = Number(segment);
    if (index > node.length + MAX_GAP) throw new RangeError('is too far beyond the end of an array');
    const items: unknown[] = [...node];
    while (items.length < index) items.push(null);
    items[index] = nested(items[index]) ?? null;
    return items;
  }
  if (!isObject(node)) throw new RangeError('leads through a value that is neither an object nor an array');
  const child = nested(Object.hasOwn(node, segment) ? node[segment] : undefined);
  const copy: JsonObject = { ...node };
  if (child === undefined) delete copy[segment];
  else copy[segment] = child;
  return copy;
}

/** What has to be there for the next segment; nothing after the last. */
function containerFor(next: string | undefined): unknown {
  if (next === undefined) return undefined;
  return isIndex(next) ? [] : {};
}

function isIndex(segment: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(segment);
}
