import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { CallableMethod, Schema } from './schema.ts';
import { isSecretName } from './secrets.ts';

/**
 * How a field is filled in. `choice`: one of some, or none. `lines`: a list, one a line. `json`: whatever there is no simpler
 * field for.
 */
export type FieldKind = 'text' | 'long' | 'number' | 'choice' | 'lines' | 'json';

/** One member of a method's parameters, as a form asks for it. */
export interface Field {
  /** Where it stands in the parameters: `['options', 'provider']`. */
  path: readonly string[];
  /** The same in one: `options.provider`, as errors name it. */
  name: string;
  kind: FieldKind;
  /** It has to be there, where what it stands in is. */
  isRequired: boolean;
  /** It has to be there whatever else is. */
  isNeeded: boolean;
  /** It is not shown as it is typed. */
  isSecret: boolean;
  schema: Schema;
  /** What it may be, each as JSON. */
  choices?: readonly string[];
}

/** What is in a form's fields, by their names. What is empty, or not there, is left out of the parameters. */
export type Values = Readonly<Record<string, string>>;

/** The parameters that a form stands for, or what is wrong with it, by the names of fields. */
export type Composed = { params: Record<string, unknown> } | { problems: Readonly<Record<string, string>> };

/** Objects within objects that have fields of their own; what is deeper is JSON. */
const MAX_DEPTH = 2;
/** A text that may be longer has several lines. */
const LONG = 1_024;

/** The fields of a method. Undefined: what it takes cannot be said in fields, and is written as JSON. */
export function fieldsOf({ params, secret }: Pick<CallableMethod, 'params' | 'secret'>): readonly Field[] | undefined {
  if (params.type !== 'object' || params.properties === undefined) return undefined;
  // It takes something, which the schema does not say.
  if (Object.keys(params.properties).length === 0 && params.description !== undefined) return undefined;
  return fieldsIn(params, { path: [], isNeeded: true }, new Set(secret));
}

/** What fields stand in. */
type Group = Pick<Field, 'path' | 'isNeeded'>;

function fieldsIn(schema: Schema, group: Group, secret: ReadonlySet<string>): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([member, inner]) => {
    const path = [...group.path, member];
    const isRequired = schema.required?.includes(member) ?? false;
    const isNeeded = group.isNeeded && isRequired;
    const isGroup = inner.type === 'object' && Object.keys(inner.properties ?? {}).length > 0;
    if (isGroup && path.length <= MAX_DEPTH && !secret.has(member)) return fieldsIn(inner, { path, isNeeded }, secret);
    const choices = choicesOf(inner);
    const kind = choices ? 'choice' : kindOf(inner);
    const isSecret = !choices && (secret.has(member) || isSecretName(member));
    const field = { path, name: path.join('.'), kind, isRequired, isNeeded, isSecret, schema: inner };
    return [choices ? { ...field, choices } : field];
  });
}

function kindOf({ type, maxLength = Number.POSITIVE_INFINITY, items }: Schema): FieldKind {
  if (type === 'string') return maxLength > LONG ? 'long' : 'text';
  if (type === 'number' || type === 'integer') return 'number';
  if (type === 'array' && items && (items.type === 'string' || items.type === 'integer')) return 'lines';
  return 'json';
}

function choicesOf({ type, enum: several, const: one, anyOf }: Schema): readonly string[] | undefined {
  if (type === 'boolean') return ['true', 'false'];
  if (several) return several.map((value) => JSON.stringify(value));
  if (one !== undefined) return [JSON.stringify(one)];
  if (anyOf && anyOf.length > 0 && anyOf.every((each) => each.const !== undefined))
    return anyOf.map((each) => JSON.stringify(each.const));
  return undefined;
}

/** What the form says, as parameters. */
export function compose(fields: readonly Field[], values: Values): Composed {
  const params: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  const isFilled = ({ name }: Field) => (values[name] ?? '').trim() !== '';
  for (const field of fields) {
    const { name, path, isRequired, isNeeded } = field;
    if (!isFilled(field)) {
      if (isNeeded || (isRequired && fields.some((one) => isFilled(one) && isBeside(one.path, path))))
        problems[name] = 'is needed';
      continue;
    }
    const read = readField(field, values[name] ?? '');
    if ('problem' in read) problems[name] = read.problem;
    else put(params, path, read.value);
  }
  return Object.keys(problems).length > 0 ? { problems } : { params };
}

/** What a form begins with: what can be nothing else. */
export function initialValues(fields: readonly Field[]): Values {
  const sure = fields.filter(({ isNeeded, choices }) => isNeeded && choices?.length === 1);
  return Object.fromEntries(sure.map(({ name, choices = [] }) => [name, choices[0] ?? '']));
}

/** Whether something stands in the same object as a member that is not one of the parameters themselves. */
function isBeside(one: readonly string[], other: readonly string[]): boolean {
  const above = other.slice(0, -1);
  return above.every((member, at) => one[at] === member);
}

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [member = '', ...rest] = path;
  if (rest.length === 0) into[member] = value;
  else {
    const inner = (into[member] ?? {}) as Record<string, unknown>;
    into[member] = inner;
    put(inner, rest, value);
  }
}

type Read = { value: unknown } | { problem: string };

function readField({ kind, schema, choices = [] }: Field, text: string): Read {
  switch (kind) {
    case 'choice':
      return choices.includes(text) ? { value: JSON.parse(text) } : { problem: 'is none of what there is' };
    case 'number':
      return readNumber(text.trim(), schema);
    case 'json':
      return readJson(text);
    case 'lines':
      return readLines(text, schema);
    default:
      return readText(text, schema);
  }
}

function readText(text: string, { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern }: Schema): Read {
  if (text.length < minLength) return { problem: `has at least ${minLength} characters` };
  if (text.length > maxLength) return { problem: `has at most ${maxLength} characters` };
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(text)) return { problem: `is like ${pattern}` };
  return { value: text };
}

function readNumber(text: string, { type, minimum, maximum }: Schema): Read {
  const read = readJson(text);
  if ('problem' in read || (typeof read.value !== 'number' && typeof read.value !== 'bigint'))
    return { problem: 'is a number' };
  const { value } = read;
  if (type === 'integer' && typeof value === 'number' && !Number.isInteger(value))
    return { problem: 'is a whole number' };
  if (minimum !== undefined && value < minimum) return { problem: `is at least ${minimum}` };
  if (maximum !== undefined && value > maximum) return { problem: `is at most ${maximum}` };
  return { value };
}

function readLines(text: string, { items = {}, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: Schema): Read {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length < minItems) return { problem: `has at least ${minItems} ${minItems === 1 ? 'line' : 'lines'}` };
  if (lines.length > maxItems) return { problem: `has at most ${maxItems} lines` };
  const values: unknown[] = [];
  for (const [at, line] of lines.entries()) {
    const isOneOf = items.enum === undefined || items.enum.includes(line);
    const read = items.type === 'integer' ? readNumber(line, items) : readText(line, items);
    if ('problem' in read) return { problem: `line ${at + 1} ${read.problem}` };
    if (!isOneOf) return { problem: `line ${at + 1} is one of ${items.enum?.join(', ')}` };
    values.push(read.value);
  }
  return { value: values };
}

/** Reads JSON as somebody has typed it; integers keep their digits. */
export function readJson(text: string): Read {
  try {
    return { value: parseJson(text) };
  } catch (error) {
    return { problem: `is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What parameters are in the fields. Undefined: they hold something that has no field, or does not fit in it. */
export function valuesOf(
  fields: readonly Field[],
  params: unknown,
  write: (value: unknown) => string,
): Values | undefined {
  if (!isObject(params)) return undefined;
  const values: Record<string, string> = {};
  let taken = 0;
  for (const { name, path, kind, choices = [] } of fields) {
    const value = path.reduce<unknown>((at, member) => (isObject(at) ? at[member] : undefined), params);
    if (value === undefined) continue;
    taken += 1;
    if (kind === 'text' || kind === 'long') {
      if (typeof value !== 'string' || value.trim() === '') return undefined;
      values[name] = value;
    } else if (kind === 'lines') {
      if (!Array.isArray(value) || value.some((line) => isObject(line) || /^\s*$|\n/.test(String(line))))
        return undefined;
      values[name] = value.join('\n');
    } else {
      const text = write(value);
      if (kind === 'choice' && !choices.includes(text)) return undefined;
      values[name] = text;
    }
  }
  return taken === leaves(fields, params, []) ? values : undefined;
}

/** How many members parameters have, those of objects that have fields in place of these objects. */
function leaves(fields: readonly Field[], value: Record<string, unknown>, path: readonly string[]): number {
  return Object.entries(value).reduce((sum, [member, inner]) => {
    const at = [...path, member];
    const isGroup = fields.some(
      (field) => field.path.length > at.length && at.every((name, n) => field.path[n] === name),
    );
    return sum + (isGroup && isObject(inner) ? leaves(fields, inner, at) : 1);
  }, 0);
}
