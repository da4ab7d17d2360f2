import { isObject } from '../../protocol/json.ts';

/** A value to be put at a JSON pointer; undefined takes away what is there. */
export interface DataChange {
  path: string;
  value: unknown;
}

/** The renderer looks through everything that is bound at each of them: of more the whole is replaced. */
const MAX_CHANGES = 500;
/** Keys that the renderer takes in no path. */
const NO_PATH = new Set(['', '__proto__', 'constructor', 'prototype']);

/**
 * What makes one data model of another, and touches nothing else: what a person has typed stays where the agent has
 * changed something beside it.
 */
export function dataChanges(before: unknown, after: unknown): DataChange[] {
  const changes = changesAt(before, after, '');
  return changes.length > MAX_CHANGES ? [{ path: '/', value: after }] : changes;
}

function changesAt(before: unknown, after: unknown, path: string): DataChange[] {
  if (!isObject(before) || !isObject(after)) return whole(before, after, path);
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (keys.some((key) => NO_PATH.has(key))) return whole(before, after, path);
  return keys.flatMap((key) =>
    changesAt(before[key], after[key], `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

/** Compared once and not again inside: at each level of a deep model that would cost its size each time. */
function whole(before: unknown, after: unknown, path: string): DataChange[] {
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path: path || '/', value: after }];
}
