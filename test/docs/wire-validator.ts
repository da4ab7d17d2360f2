import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type AnySchemaObject, type ErrorObject } from 'ajv/dist/2020.js';
import { ROOT } from '../../docs/render.ts';
import { WIRE_SCHEMA } from '../../docs/wire-schema.ts';

/** The file, as people download it. */
export const schema = JSON.parse(readFileSync(join(ROOT, WIRE_SCHEMA), 'utf8')) as AnySchemaObject;
// Strict: a keyword that JSON Schema does not know, or that can say nothing where it stands, is a fault of ours. zod repeats
// a type only once where several alternatives have it, and sets lengths that are as long as a message.
export const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
ajv.addSchema(schema, 'wire');

/** What is wrong with a value, by an entry of `$defs`; by the schema itself where none is named. */
export function faults(value: unknown, def?: string): ErrorObject[] {
  const validate = ajv.getSchema(def === undefined ? 'wire' : `wire#/$defs/${def}`);
  if (!validate) throw new Error(`the schema has no ${def}`);
  return validate(value) ? [] : [...(validate.errors ?? [])];
}
