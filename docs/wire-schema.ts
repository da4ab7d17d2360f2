import { z } from 'zod';
import { ErrorCode } from '../protocol/errors.ts';
import { chatEventKinds } from '../protocol/events.ts';
import type { MethodSpec } from '../protocol/method.ts';
import { methods } from '../protocol/methods.ts';
import { MAX_TRACE_BYTES } from '../protocol/trace.ts';
import { voiceEventTypes } from '../protocol/voice.ts';

/** A JSON Schema, as far as this file looks into one. */
type Schema = { $defs?: Record<string, unknown>; [keyword: string]: unknown };

/** Where the file lies, from the package's directory. */
export const WIRE_SCHEMA = 'docs/wire.schema.json';

const JSONRPC = { const: '2.0' };
/** An `id` of a request: `wire.md` section 2. */
const ID = { type: ['string', 'number'] };

const all = Object.entries<MethodSpec>(methods);

/**
 * The wire as one JSON Schema (draft 2020-12), from the method table. The schema itself is one frame, in either
 * direction; `$defs` has `fromClient` and `fromBroker`, every frame by itself, and the parameters, results and events.
 * What JSON Schema cannot say, such as which of two fields has to be there, is in `docs/protocol.md`.
 */
export function wireSchema(): string {
  const defs: Record<string, Schema> = {
    fromClient: side('in', 'One message from a client to the broker.'),
    fromBroker: side('out', 'One message from the broker to a client.'),
    success: {
      description: 'The answer to a request. What the result is depends on the method that was asked: `NAME.result`.',
      type: 'object',
      properties: { jsonrpc: JSONRPC, id: ID, result: {} },
      required: ['jsonrpc', 'id', 'result'],
    },
    failure: {
      description: 'The answer to a request that failed. `id` is null where the request had none that could be read.',
      type: 'object',
      properties: { jsonrpc: JSONRPC, id: { type: ['string', 'number', 'null'] }, error: { $ref: ref('error') } },
      required: ['jsonrpc', 'id', 'error'],
    },
    trace: {
      description: `The trace that a request belongs to: \`traceparent\` (${MAX_TRACE_BYTES.traceparent} bytes at most) and \`tracestate\` (${MAX_TRACE_BYTES.tracestate}) of W3C Trace Context, \`baggage\` (${MAX_TRACE_BYTES.baggage}) of W3C Baggage. What is malformed is ignored.`,
      properties: { traceparent: {}, tracestate: {}, baggage: {} },
    },
    error: {
      description: `An error. Codes of the broker: ${Object.entries(ErrorCode)
        .map(([name, code]) => `${code} ${name}`)
        .join(', ')}.`,
      type: 'object',
      properties: { code: { type: 'integer' }, message: { type: 'string' }, data: {} },
      required: ['code', 'message'],
    },
  };
  for (const [key, spec] of all) {
    const [sent, answered] = spec.direction === 'in' ? (['input', 'output'] as const) : (['output', 'input'] as const);
    defs[frameName(key)] = frame(key, spec);
    add(defs, `${defName(key)}.params`, spec.params, sent);
    if (spec.direction === 'in' && spec.kind === 'request') withTrace(defs[`${defName(key)}.params`]);
    if (spec.result) add(defs, `${defName(key)}.result`, spec.result, answered);
  }
  // The events are told apart by their kind, of which others may come.
  for (const [kind, schema] of Object.entries(chatEventKinds)) add(defs, `event.${kind}`, schema, 'input');
  for (const [type, schema] of Object.entries(voiceEventTypes)) add(defs, `voice-event.${type}`, schema, 'input');
  for (const key of ['agent.chat.event', 'agents.chat.event']) refine(defs, key, 'kind', 'event', chatEventKinds);
  for (const key of ['voice.event', 'voice.event (to the client)']) {
    refine(defs, key, 'type', 'voice-event', voiceEventTypes);
  }
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Switchboard wire protocol',
    description: 'One JSON-RPC 2.0 message, in either direction. Generated from the method table by `npm run docs`.',
    anyOf: [{ $ref: ref('fromClient') }, { $ref: ref('fromBroker') }],
    $defs: defs,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** What the entry of a method is called in `$defs`: its key, as it may stand in a reference. */
export function defName(key: string): string {
  return key
    .replaceAll('/', '.')
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

function frameName(key: string): string {
  return `${defName(key)}.frame`;
}

function ref(def: string): string {
  return `#/$defs/${def}`;
}

function side(direction: MethodSpec['direction'], description: string): Schema {
  const frames = all.filter(([, spec]) => spec.direction === direction).map(([key]) => ({ $ref: ref(frameName(key)) }));
  return { description, anyOf: [...frames, { $ref: ref('success') }, { $ref: ref('failure') }] };
}

function frame(key: string, { name = key, kind, params, summary }: MethodSpec): Schema {
  const id = kind === 'request' ? { id: ID } : {};
  // JSON-RPC lets parameters be left out where none are needed.
  const needed = params.safeParse({}).success ? [] : ['params'];
  return {
    description: summary,
    type: 'object',
    properties: { jsonrpc: JSONRPC, ...id, method: { const: name }, params: { $ref: ref(`${defName(key)}.params`) } },
    required: ['jsonrpc', ...Object.keys(id), 'method', ...needed],
    ...(kind === 'notification' ? { not: { required: ['id'] } } : {}),
  };
}

/** Any request may say which trace it belongs to. What is malformed of it is ignored, so that nothing is wrong here. */
function withTrace(params: Schema | undefined): void {
  if (params?.type === 'object')
    params.properties = { ...(params.properties as object), _meta: { $ref: ref('trace') } };
}

/** Has a method's parameters fit what is known of their kind, too. */
function refine(defs: Record<string, Schema>, key: string, field: string, prefix: string, kinds: object): void {
  const params = defs[`${defName(key)}.params`];
  if (!params) throw new Error(`there is no method ${key}`);
  params.allOf = Object.keys(kinds).map((kind) => ({
    if: { properties: { [field]: { const: kind } }, required: [field] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { $ref: ref(`${prefix}.${kind}`) },
  }));
}

/** Puts a zod schema into `$defs`, with the parts that zod names because they refer to themselves beside it. */
function add(defs: Record<string, Schema>, name: string, schema: z.ZodType, io: 'input' | 'output'): void {
  const { $schema: _, $defs: parts = {}, ...whole } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema;
  const partName = (part: string) => `${name}.${part.replaceAll('_', '')}`;
  const moved = (value: unknown) =>
    mapped(value, (to) => (to === '#' ? ref(name) : ref(partName(to.slice(ref('').length)))));
  defs[name] = moved(whole) as Schema;
  for (const [part, inner] of Object.entries(parts)) defs[partName(part)] = moved(inner) as Schema;
}

/**
 * A schema as it stands in the file: its references lead where `move` says, and no field is forbidden that it does not
 * name, for those are ignored everywhere on this wire.
 */
function mapped(value: unknown, move: (to: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, move));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name, inner]) => name !== 'additionalProperties' || inner !== false);
  return Object.fromEntries(
    members.map(([name, inner]) => [
      name,
      name === '$ref' && typeof inner === 'string' ? move(inner) : mapped(inner, move),
    ]),
  );
}
