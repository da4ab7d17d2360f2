import { z } from 'zod';
import { MAX_LISTED, MAX_MESSAGE_BYTES } from '../protocol/bounds.ts';
import { code, oneOf } from './markdown.ts';

/** A JSON Schema as zod writes it, as far as these pages read it. */
interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  default?: unknown;
  description?: string;
  additionalProperties?: unknown;
}

/** One field of a message, ready for a table. */
export interface Field {
  /** Dotted, `[]` for each item of an array. */
  path: string;
  type: string;
  /** Whether it has to be there, or is always there. */
  required: boolean;
  /** What is used where it is left out, as JSON. */
  default: string | undefined;
  note: string;
}

/**
 * The fields of a zod schema, objects inside it and arrays of objects opened up.
 * @param io `input`: as a client writes it. `output`: as the broker writes it.
 */
export function fieldsOf(schema: z.ZodType, io: 'input' | 'output'): Field[] {
  return open(toJson(schema, io), '');
}

/** Whether fields beside the listed ones may be there. */
export function isLoose(schema: z.ZodType): boolean {
  return typeof toJson(schema, 'output').additionalProperties === 'object';
}

/** The type of a schema that is no object: what a result that has no fields is. */
export function typeOf(schema: z.ZodType): string {
  return typeText(toJson(schema, 'output'));
}

/** zod's own translation; what JSON Schema cannot say (a custom check) is left open there. */
function toJson(schema: z.ZodType, io: 'input' | 'output'): Schema {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema;
}

function open(schema: Schema, prefix: string): Field[] {
  if (schema.type === 'array' && schema.items?.properties) return open(schema.items, `${prefix}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const row = {
      path,
      type: typeText(field),
      required: schema.required?.includes(name) ?? false,
      default: field.default === undefined ? undefined : JSON.stringify(field.default),
      note: field.description ?? '',
    };
    return [row, ...open(field, path)];
  });
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) return oneOf(schema.enum.map((value) => code(JSON.stringify(value))));
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants) return oneOf(variants.map(variantText));
  if (Array.isArray(schema.type)) return oneOf(schema.type);
  if (schema.maxItems === 0) return 'empty array';
  if (schema.type === 'array') return `array of ${atMost(schema)}${schema.items ? plural(schema.items) : 'anything'}`;
  if (schema.type === 'string') return `string${stringBounds(schema)}`;
  if (schema.type === 'integer' || schema.type === 'number') return `${schema.type}${range(schema)}`;
  return schema.type ?? 'anything';
}

function variantText(schema: Schema): string {
  if (!schema.properties) return typeText(schema);
  const fields = Object.entries(schema.properties).map(
    ([name, field]) => `${code(schema.required?.includes(name) ? name : `${name}?`)}: ${typeText(field)}`,
  );
  return `{ ${fields.join('; ')} }`;
}

function plural(schema: Schema): string {
  if (schema.properties) return 'objects';
  return schema.type === 'string' ? `strings${stringBounds(schema)}` : typeText(schema);
}

function atMost({ maxItems }: Schema): string {
  // What the broker lists is bounded where it is kept: `docs/limits.md`.
  return maxItems === undefined || maxItems === MAX_LISTED ? '' : `at most ${maxItems} `;
}

function stringBounds({ pattern, minLength, maxLength }: Schema): string {
  const [, characters, least, most] = /^\^\[(.+)\]\{(\d+),(\d+)\}\$$/.exec(pattern ?? '') ?? [];
  if (characters) return `, ${least}–${most} of ${code(`[${characters}]`)}`;
  if (pattern) return ` matching ${code(pattern.replaceAll('\\/', '/'))}`;
  // As long as a message: its message is the bound.
  if (maxLength !== undefined && maxLength !== MAX_MESSAGE_BYTES) {
    return minLength ? `, ${minLength}–${maxLength} characters` : `, at most ${maxLength} characters`;
  }
  return minLength ? ', not empty' : '';
}

function range({ minimum, maximum }: Schema): string {
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  if (least !== undefined && most !== undefined) return ` ${least}–${most}`;
  if (least !== undefined) return `, at least ${least}`;
  return most === undefined ? '' : `, at most ${most}`;
}
