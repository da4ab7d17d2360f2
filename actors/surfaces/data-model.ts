import { isObject, type JsonObject, unwritable } from '../../protocol/json.ts';
import { jsonBytes } from '../requests/payload-size.ts';

/** Segments that no renderer resolves, because they would lead out of the data. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** How far beyond an array's end an item may be put; what is between becomes null. */
const MAX_GAP = 100;
/** How many segments a path may have. */
const MAX_SEGMENTS = 64;
/** Bytes of `null`, and of `{}` and `[]`. */
const NULL_BYTES = 4;
const EMPTY_BYTES = 2;

/** A data model, and its size: to write it anew for each small change would cost its whole size each time. */
export interface DataModel {
  readonly root: unknown;
  /** As JSON. */
  readonly bytes: number;
}

/** What is put where, and by how much the model has grown on the way. */
interface Putting {
  readonly segments: readonly string[];
  readonly value: unknown;
  readonly own: Set<unknown>;
  grown: number;
}

/**
 * A data model with the value at a JSON pointer replaced, as A2UI 0.9 has it: `/` or nothing is the whole, no value
 * removes, and what is missing on the way is made. What was there is left as it was: only the way to it is copied, and
 * keys are own ones, whatever they are called.
 * @param own copies that were made for the same change: they are changed in place, and new ones come to them. After an
 * error none of them is of use.
 * @throws {RangeError} with what is wrong about the path, or the value there.
 */
export function setAt(model: DataModel, path: string, value: unknown, own: Set<unknown>): DataModel {
  const segments = segmentsOf(path);
  if (segments.length > MAX_SEGMENTS) throw new RangeError(`has more than ${MAX_SEGMENTS} segments`);
  if (!isResolvable(segments)) throw new RangeError(NOT_ALLOWED);
  const reason = unwritable(value, segments.length);
  if (reason !== undefined) throw new RangeError(`leads to a value that is ${reason}`);
  if (segments.length === 0) {
    const root = value === undefined ? {} : value;
    return { root, bytes: jsonBytes(root) };
  }
  const hasRoot = model.root !== null && model.root !== undefined;
  const putting = { segments, value, own, grown: 0 };
  const root = put(putting, hasRoot ? model.root : {}, 0);
  return { root, bytes: (hasRoot ? model.bytes : EMPTY_BYTES) + putting.grown };
}

/** What is said of a path that {@link isResolvable} refuses. */
export const NOT_ALLOWED = 'has a segment that is not allowed';

/** A JSON pointer, or one that begins at a template's item, in its parts. */
export function segmentsOf(path: string): string[] {
  return path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => segment.replace(/~([01])/g, (_, digit: string) => (digit === '1' ? '/' : '~')));
}

/** Whether a renderer resolves the path. */
export function isResolvable(segments: readonly string[]): boolean {
  return !segments.some((segment) => FORBIDDEN.has(segment));
}

function put(putting: Putting, node: unknown, depth: number): unknown {
  const segment = putting.segments[depth];
  if (segment === undefined) throw new Error('a path has an end before its value');
  if (Array.isArray(node)) return putItem(putting, node, segment, depth);
  if (isObject(node)) return putMember(putting, node, segment, depth);
  throw new RangeError('leads through a value that is neither an object nor an array');
}

function putItem(putting: Putting, node: unknown[], segment: string, depth: number): unknown[] {
  if (!isIndex(segment)) throw new RangeError('names no index of an array');
  const index = Number(segment);
  if (index > node.length + MAX_GAP) throw new RangeError('is too far beyond the end of an array');
  const items = putting.own.has(node) ? node : node.slice();
  putting.own.add(items);
  while (items.length <= index) {
    putting.grown += NULL_BYTES + (items.length > 0 ? 1 : 0);
    items.push(null);
  }
  const item = next(putting, items[index], depth, true);
  // There are no holes in JSON.
  if (item === undefined) putting.grown += NULL_BYTES;
  items[index] = item ?? null;
  return items;
}

function putMember(putting: Putting, node: JsonObject, segment: string, depth: number): JsonObject {
  const copy = putting.own.has(node) ? node : { ...node };
  putting.own.add(copy);
  const isThere = Object.hasOwn(copy, segment);
  const child = next(putting, isThere ? copy[segment] : undefined, depth, isThere);
  // Its name, the colon, and a comma where it is not alone.
  const around = () => jsonBytes(segment) + 1 + (isEmpty(copy) ? 0 : 1);
  if (child === undefined) {
    delete copy[segment];
    if (isThere) putting.grown -= around();
  } else {
    if (!isThere) putting.grown += around();
    copy[segment] = child;
  }
  return copy;
}

/** What stands in place of a child from now on; undefined: nothing. */
function next(putting: Putting, child: unknown, depth: number, isThere: boolean): unknown {
  const { segments, value } = putting;
  const following = segments[depth + 1];
  const former = isThere ? jsonBytes : () => 0;
  if (following === undefined) {
    putting.grown += (value === undefined ? 0 : jsonBytes(value)) - former(child);
    return value;
  }
  if (child !== undefined && child !== null) return put(putting, child, depth + 1);
  putting.grown += EMPTY_BYTES - former(child);
  return put(putting, isIndex(following) ? [] : {}, depth + 1);
}

function isEmpty(value: object): boolean {
  for (const _key in value) return false;
  return true;
}

function isIndex(segment: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(segment);
}
