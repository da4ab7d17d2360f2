import { isObject } from '../protocol/json.ts';
import { WireError } from '../protocol/wire-error.ts';
import { isStandardSchema, type JsonSchema, jsonSchemaOf, type StandardSchema } from './standard-schema.ts';

/** How many offending arguments one answer names. */
const MAX_ISSUES = 20;

/** What agents are told of a tool's arguments, and what checks them here. */
export interface ToolSchema {
  told: JsonSchema | undefined;
  checks: StandardSchema | undefined;
}

/**
 * Reads a tool's `parameters` and `validate`.
 * @throws {TypeError} where they are no schemas, or there is none that agents could be told.
 * @throws {Error} where the schema has no JSON Schema that says the same.
 */
export function toolSchema(name: string, parameters: unknown, validate: unknown): ToolSchema {
  const where = `tool ${name.slice(0, 64)}`;
  if (validate !== undefined && !isStandardSchema(validate))
    throw new TypeError(`${where}: validate is a Standard Schema`);
  if (parameters === undefined) {
    if (validate) throw new TypeError(`${where}: beside validate, parameters is the JSON Schema that agents are told`);
    return { told: undefined, checks: undefined };
  }
  if (isStandardSchema(parameters)) {
    if (validate) throw new TypeError(`${where}: with validate, parameters is a JSON Schema`);
    const told = jsonSchemaOf(parameters);
    if (told) return { told, checks: parameters };
    const { vendor } = parameters['~standard'];
    throw new TypeError(
      `${where}: ${vendor} cannot say this as JSON Schema, which agents are told: give one as parameters, and this as validate`,
    );
  }
  if (!isObject(parameters)) throw new TypeError(`${where}: parameters is a JSON Schema or a Standard Schema`);
  // The fields of an object without the object around them, as some other libraries take them.
  if (Object.values(parameters).some(isStandardSchema))
    throw new TypeError(`${where}: parameters is one schema, of an object: z.object({ … }), say`);
  return { told: parameters, checks: validate };
}

/** What a schema makes of a call's arguments. @throws {WireError} `-32602`, naming every offending field. */
export async function checkArguments(schema: StandardSchema, parameters: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(parameters);
  if (!result.issues) return result.value;
  const issues = result.issues.slice(0, MAX_ISSUES);
  throw WireError.invalidParams(issues.map(({ path = [], message }) => ({ path: path.map(keyOf).join('.'), message })));
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === 'object' ? segment.key : segment);
}
