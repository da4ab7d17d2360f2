import type { z } from 'zod';
import { greatestLength } from './bounds.ts';
import { isObject, type JsonObject } from './json.ts';

/*
 * Clients in Rust, Go, Swift or Python write what they lack as `null`: wherever a schema lets a member be left out and
 * would not take `null` for a value, `null` reads as absent (`wire.md`, head). Which members those are is read from the
 * schemas themselves, once for each: a member that is added to one needs nothing more.
 */

/** Gives a value without the nulls that stand for nothing: itself where there are none, else a copy. Never throws. */
type Read = (value: unknown) => unknown;

const asItIs: Read = (value) => value;
const readers = new WeakMap<z.core.$ZodType, Read>();

/**
 * A value as it reads to this schema: `null` in the place of an optional member, at any depth of the schema's own shape, is
 * left out. What the schema takes as it comes (`context`, `payload`, JSON Schemas) keeps its nulls, and so does the value
 * that was handed in: it may have to go on as it came.
 */
export function readAbsent(schema: z.core.$ZodType, value: unknown): unknown {
  return readerOf(schema)(value);
}

/** Whether a member of this schema may be left out: it is optional, or has a default. */
export function mayBeLeftOut(schema: z.core.$ZodType): boolean {
  return schema._zod.optin !== undefined;
}

/** Whether a member of this schema may be left out and `null` is no value of its own. */
export function takesNullAsAbsent(schema: z.core.$ZodType): boolean {
  return mayBeLeftOut(schema) && !takes(schema, null);
}

function readerOf(schema: z.core.$ZodType): Read {
  const known = readers.get(schema);
  if (known) return known;
  // A schema may hold itself: whoever asks for its reader while that is made gets the one that will be there.
  let made: Read = asItIs;
  readers.set(schema, (value) => made(value));
  made = makeReader(schema);
  readers.set(schema, made);
  return made;
}

function makeReader(schema: z.core.$ZodType): Read {
  const { def } = schema._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return readerOf(def.innerType);
    case 'pipe':
      return readerOf(def.in);
    case 'lazy':
      return (value) => readAbsent(def.getter(), value);
    case 'object':
      return objectReader(def.shape);
    case 'array':
      return arrayReader(readerOf(def.element), greatestLength(def));
    case 'record':
      return recordReader(readerOf(def.valueType));
    case 'union':
      return unionReader(def.options, (def as { discriminator?: string }).discriminator);
    default:
      return asItIs;
  }
}

function objectReader(shape: Readonly<Record<string, z.core.$ZodType>>): Read {
  const members = Object.entries(shape).map(([name, schema]) => {
    return { name, mayGo: takesNullAsAbsent(schema), read: readerOf(schema) };
  });
  return (value) => {
    if (!isObject(value)) return value;
    let copy: JsonObject | undefined;
    for (const { name, mayGo, read } of members) {
      if (!Object.hasOwn(value, name)) continue;
      const member = value[name];
      if (member === null) {
        if (!mayGo) continue;
        copy ??= { ...value };
        delete copy[name];
        continue;
      }
      const seen = read(member);
      if (seen === member) continue;
      copy ??= { ...value };
      copy[name] = seen;
    }
    return copy ?? value;
  };
}

function arrayReader(read: Read, most: number): Read {
  return (value) => {
    // One that is too long is refused unread.
    if (!Array.isArray(value) || value.length > most) return value;
    let copy: unknown[] | undefined;
    for (const [at, element] of value.entries()) {
      const seen = read(element);
      if (seen === element) continue;
      copy ??= [...value];
      copy[at] = seen;
    }
    return copy ?? value;
  };
}

function recordReader(read: Read): Read {
  return (value) => {
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([name, member]) => [name, read(member)] as const);
    return entries.every(([name, seen]) => seen === value[name]) ? value : Object.fromEntries(entries);
  };
}

/** Of the options the one that the value says it is, else the first that takes it. */
function unionReader(options: readonly z.core.$ZodType[], discriminator: string | undefined): Read {
  const all = options.map((schema) => ({ schema, read: readerOf(schema) }));
  return (value) => {
    if (typeof value !== 'object' || value === null) return value;
    let other = value as unknown;
    for (const { schema, read } of all) {
      if (discriminator !== undefined) {
        const named = (value as JsonObject)[discriminator] as z.core.util.Primitive;
        if (schema._zod.propValues?.[discriminator]?.has(named)) return read(value);
        continue;
      }
      const seen = read(value);
      if (takes(schema, seen)) return seen;
      if (other === value) other = seen;
    }
    // It is refused all the same, and not for its nulls.
    return other;
  };
}

function takes(schema: z.core.$ZodType, value: unknown): boolean {
  const result = schema._zod.run({ value, issues: [] }, { async: false });
  return !(result instanceof Promise) && result.issues.length === 0;
}
