import type { JsonObject } from '../../../protocol/json.ts';

/** One field of a context, and what it was before where that is something else. */
export interface ContextField {
  readonly name: string;
  /** Undefined where the field has gone. */
  readonly value: unknown;
  readonly change: 'new' | 'changed' | 'gone' | undefined;
  readonly before: unknown;
}

/** The fields of a context, and how they differ from those before. Fields that have gone come last. */
export function fieldsOf(context: JsonObject, before: JsonObject | undefined): ContextField[] {
  const fields: ContextField[] = Object.entries(context).map(([name, value]) => {
    if (!before) return { name, value, change: undefined, before: undefined };
    const was = Object.hasOwn(before, name) ? before[name] : undefined;
    const change = was === undefined ? 'new' : isSame(was, value) ? undefined : 'changed';
    return { name, value, change, before: was };
  });
  for (const [name, was] of Object.entries(before ?? {})) {
    if (!Object.hasOwn(context, name)) fields.push({ name, value: undefined, change: 'gone', before: was });
  }
  return fields;
}

/** A context is at most 16 KiB of JSON, written in one order. */
const isSame = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);
