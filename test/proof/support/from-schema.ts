import { z } from 'zod';
import type { Random } from './random.ts';

/** A JSON Schema as zod writes it, as far as it is walked, and values are made from it. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
}

/** What a field of this name is likely to mean something as: ids that exist, tokens that are right. */
export type Meaning = (field: string) => readonly unknown[] | undefined;

const schemas = new WeakMap<z.ZodType, Schema>();
const WORDS = ['', 'x', 'approve', 'deny', 'hello', 'https://example.org/a.png', 'Zoë 👋', '\u0000\u001f', 'clock'];
const ANYTHING: readonly unknown[] = [null, true, 0, -1.5, 'any', [1, 'b'], { a: { b: [] } }];

/** A value that a schema of the method table takes, or all but takes: checks beyond JSON Schema are not known here. */
export function fromSchema(random: Random, type: z.ZodType, meaning: Meaning): unknown {
  let schema = schemas.get(type);
  if (!schema) {
    schema = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Schema;
    schemas.set(type, schema);
  }
  return make(random, schema, '', meaning);
}

function make(random: Random, schema: Schema, field: string, meaning: Meaning): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return make(random, random.pick(variants), field, meaning);
  if (schema.properties) return makeObject(random, schema, meaning);
  const meant = meaning(field);
  if (meant && meant.length > 0 && random.chance(0.95)) return random.pick(meant);
  switch (schema.type) {
    case 'string':
      return random.pick(WORDS);
    case 'boolean':
      return random.chance(0.5);
    case 'integer':
    case 'number':
      return random.pick([schema.minimum ?? -3, Math.min(schema.maximum ?? 1e9, 1e9), schema.minimum ?? 1]);
    case 'array':
      return Array.from({ length: random.int(4) }, () => make(random, schema.items ?? {}, field, meaning));
    case 'object':
      return random.pick([{}, { note: random.pick(WORDS) }, { list: [1, 2, { deep: null }] }]);
    default:
      return random.pick(ANYTHING);
  }
}

function makeObject(random: Random, schema: Schema, meaning: Meaning): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) || random.chance(0.4)) made[name] = make(random, field, name, meaning);
  }
  return made;
}
