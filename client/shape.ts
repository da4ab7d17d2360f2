import { isObject } from '../protocol/json.ts';
import type { Issue } from '../protocol/wire-error.ts';

type Needed = 'string' | 'number' | 'boolean' | 'object' | 'rows';

/** What a member of a message has to be. `rows`: an array of objects. With `?` it may be absent, or `null`, which reads as absent. */
export type Kind = Needed | `${Needed}?`;

/** The members of a message that the SDK reads. Whatever else it has is not looked at: a newer broker may add to it. */
export type Shape<T = object> = Readonly<Partial<Record<keyof T & string, Kind>>>;

/**
 * What of a message does not fit its shape. By hand, because the schemas of the wire would be most of a page's script.
 * @returns no issue where everything fits.
 */
export function misfits(message: unknown, shape: Shape<Record<string, unknown>>): Issue[] {
  if (!isObject(message)) return [{ path: '', message: 'expected an object' }];
  const issues: Issue[] = [];
  for (const path in shape) {
    const kind = shape[path] as Kind;
    const needed = kind.replace('?', '') as Needed;
    const value = message[path] ?? undefined;
    if (value === undefined ? kind === needed : !fits(value, needed))
      issues.push({ path, message: `expected ${needed === 'rows' ? 'an array of objects' : needed}` });
  }
  return issues;
}

function fits(value: unknown, kind: Needed): boolean {
  if (kind === 'object') return isObject(value);
  if (kind === 'rows') return Array.isArray(value) && value.every(isObject);
  // An integer beyond 2^53, where the connection keeps digits.
  return typeof value === kind || (kind === 'number' && typeof value === 'bigint');
}
