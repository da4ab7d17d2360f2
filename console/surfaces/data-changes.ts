import { isObject } from '../../protocol/json.ts';

/** A value to be put at a JSON pointer; undefined takes away what is there. */
export interface DataChange {
  path: string;
  value: unknown;
}

/** Keys that the renderer takes in no path. */
const NO_PATH = new Set(['', '__proto__', 'constructor', 'prototype']);

/**
 * What makes one data model of another, and touches nothing else: what a person has typed stays where the agent has
 * changed something beside it.
 */
export function dataChanges(before: unknown, after: unknown, path = ''): DataChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path: path || '/', value: after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (keys.some((key) => NO_PATH.has(key))) return [{ path: path || '/', value: after }];
  return keys.flatMap((key) =>
    dataChanges(before[key], after[key], `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}
