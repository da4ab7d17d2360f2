import { z } from 'zod';
import { ErrorCode } from '../protocol/errors.ts';
import type { MethodSpec } from '../protocol/method.ts';
import { methods } from '../protocol/methods.ts';
import { type Field, fieldsOf, isLoose, typeOf } from './field-types.ts';
import { code, markdownTable } from './markdown.ts';

const all = Object.entries<MethodSpec>(methods);

const CALLERS = {
  unauthenticated: 'a client that has not authenticated yet',
  any: 'any authenticated client',
  host: 'the host role',
  agent: 'an agent',
} as const;

/** Every method on one line, with a link to its fields. */
export function methodOverview(): string {
  const rows = all.map(([name, spec]) => [
    `[${methodTitle(name, spec)}](#${anchor(name)})`,
    spec.kind,
    route(spec),
    String(spec.section),
    spec.summary,
  ]);
  return markdownTable(['Method', 'Kind', 'Way', 'Section', ''], rows);
}

/** The heading of a method's own part: its name on the wire, and what tells two of one name apart. */
export function methodTitle(key: string, { name = key }: MethodSpec): string {
  return code(name) + key.slice(name.length);
}

/** The sections of the contract that have methods. */
export function methodSections(): number[] {
  return [...new Set(all.map(([, spec]) => spec.section))];
}

/** The methods of one section: who sends them, parameters, result and errors. */
export function methodTables(section: number): string {
  return all
    .filter(([, spec]) => spec.section === section)
    .map(([name, spec]) => describe(name, spec))
    .join('\n\n');
}

function describe(name: string, spec: MethodSpec): string {
  const { kind, params, result, errors = [] } = spec;
  const sent = spec.direction === 'in' ? 'input' : 'output';
  const answered = spec.direction === 'in' ? 'output' : 'input';
  const parts = [`### ${methodTitle(name, spec)}`, `${capital(kind)}, ${route(spec)}. ${spec.summary}`];
  parts.push(`**Parameters**${shapeOf(params, sent)}`);
  if (isLoose(params)) parts.push('And whatever else its sender put there.');
  if (result) {
    parts.push(`**Result**${shapeOf(result, answered)}`);
  }
  if (errors.length > 0) parts.push(`**Errors** of its own: ${errors.map(errorText).join(', ')}.`);
  return parts.join('\n\n');
}

/** Its fields; of what is no object, what it is. */
function shapeOf(schema: z.ZodType, io: 'input' | 'output'): string {
  const fields = fieldsOf(schema, io);
  if (fields.length === 0 && !(schema instanceof z.ZodObject)) return `: ${typeOf(schema)}.`;
  return `${fields[0]?.path.startsWith('[]') ? `: ${typeOf(schema)}` : ''}${fieldTable(fields, io)}`;
}

function fieldTable(fields: readonly Field[], io: 'input' | 'output'): string {
  if (fields.length === 0) return ': none, `{}`.';
  const rows = fields.map((field) => [code(field.path), field.type, presence(field, io), field.note]);
  return `\n\n${markdownTable(['Field', 'Type', 'Presence', ''], rows)}`;
}

function presence(field: Field, io: 'input' | 'output'): string {
  if (io === 'output') return field.required ? 'always' : 'optional';
  if (field.default !== undefined) return `default ${code(field.default)}`;
  return field.required ? 'required' : 'optional';
}

function errorText(name: string): string {
  return `${code(String(ErrorCode[name as keyof typeof ErrorCode]))} ${name}`;
}

function route({ direction, role }: MethodSpec): string {
  if (direction === 'in') return `from ${CALLERS[role]}`;
  return role === 'agent' ? 'from the broker to an agent' : 'from the broker to a host';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How GitHub names a heading of such words. */
function anchor(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_ -]/g, '')
    .replaceAll(' ', '-');
}
