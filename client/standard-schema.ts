/*
 * Standard Schema (https://standardschema.dev) and Standard JSON Schema: what validators have in common, zod, Valibot and
 * ArkType among them. Only what is used here, so that no validator is part of the SDK.
 */

/** A JSON Schema, as an object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a validator found. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a validator makes of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** A schema of any validator that keeps to Standard Schema. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    readonly jsonSchema?: { readonly input: (options: { target: 'draft-2020-12' }) => Record<string, unknown> };
  };
}

/** What a schema makes of a value that fits; of a JSON Schema that is not known. */
export type OutputOf<S> = S extends StandardSchema<infer _Input, infer Output> ? Output : unknown;

/** Whether it is a schema of a validator. ArkType's are functions. */
export function isStandardSchema(schema: unknown): schema is StandardSchema {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return false;
  const standard = (schema as { '~standard'?: unknown })['~standard'];
  return typeof (standard as { validate?: unknown } | undefined)?.validate === 'function';
}

/**
 * What a schema asks of a value, as JSON Schema: of what may be written, not of what a transform makes of it.
 * @throws {Error} where there is no JSON Schema that says the same. Undefined: its validator cannot say any.
 */
export function jsonSchemaOf(schema: StandardSchema): JsonSchema | undefined {
  const said = schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
  if (said === undefined) return undefined;
  const { $schema: _dialect, ...rest } = said;
  return rest;
}
