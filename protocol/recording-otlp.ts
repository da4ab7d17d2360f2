import { isObject } from './json.ts';
import type { RecordedTurnLog } from './recording.ts';

/*
 * A recorded turn as OTLP JSON, which any collector and any viewer of traces reads: the names and spans of docs/tracing.md. Its
 * trace is made of the turn's id, so that the same turn is the same trace however often it is written.
 */

/** `SERVER`, `CLIENT`, `INTERNAL` of OTLP. */
const KINDS = { server: 2, client: 3, internal: 1 } as const;
const ERROR = 2;

interface Attribute {
  key: string;
  value: { stringValue: string } | { intValue: string };
}

/** One span, as OTLP JSON has it. */
export interface OtlpJsonSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  events: { timeUnixNano: string; name: string; attributes: Attribute[] }[];
  status: { code?: number; message?: string };
}

/** What an OTLP collector takes at `/v1/traces`. */
export interface OtlpJson {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { scope: { name: string }; spans: OtlpJsonSpan[] }[];
  }[];
}

/** Names and numbers of a turn, and of its tool calls and approvals, as spans. No content: as in all traces. */
export function toOtlp({ turn, records, actors }: RecordedTurnLog): OtlpJson {
  const traceId = traceOf(turn.turn_id);
  const last = records.at(-1)?.at ?? turn.started_at;
  const endedAt = turn.ended_at ?? last;
  let made = 0;
  const span = (
    name: string,
    kind: keyof typeof KINDS,
    [from, to]: [number, number],
    parent: OtlpJsonSpan | undefined,
    facts: Record<string, unknown>,
  ): OtlpJsonSpan => {
    made += 1;
    return {
      traceId,
      spanId: made.toString(16).padStart(16, '0'),
      ...(parent ? { parentSpanId: parent.spanId } : {}),
      name,
      kind: KINDS[kind],
      startTimeUnixNano: nanos(from),
      endTimeUnixNano: nanos(Math.max(from, to)),
      attributes: attributesOf(facts),
      events: [],
      status: {},
    };
  };
  const facts = {
    'gen_ai.agent.id': turn.agent_id,
    'gen_ai.conversation.id': turn.session_id,
    'switchboard.turn.id': turn.turn_id,
  };
  const ending = { 'switchboard.ending': turn.state, 'switchboard.deltas': turn.tokens };
  const whole: [number, number] = [turn.started_at, endedAt];
  const rpc = { 'rpc.system': 'jsonrpc', 'rpc.method': 'agents.chat' };
  const tenant = { 'switchboard.tenant': turn.tenant ?? 'default' };
  const chat = span('agents.chat', 'server', whole, undefined, { ...rpc, ...facts, ...tenant, ...ending });
  const operation = { 'gen_ai.operation.name': 'invoke_agent' };
  const agent = span(`invoke_agent ${turn.agent_id}`, 'client', whole, chat, { ...operation, ...facts, ...ending });
  if (turn.first_token_ms !== undefined)
    agent.events.push({
      timeUnixNano: nanos(turn.started_at + turn.first_token_ms),
      name: 'first_token',
      attributes: [],
    });
  if (turn.error || turn.state === 'failed' || turn.state === 'refused')
    for (const one of [chat, agent]) fail(one, String(turn.error?.code ?? turn.state));
  const spans = new Map<string, OtlpJsonSpan>();
  for (const record of [
    ...actors.map((actor) => ({ type: 'started' as const, at: actor.started_at, actor })),
    ...records,
  ]) {
    if (record.type === 'started') {
      const { actor } = record;
      const named = nameOf(actor.machine, actor.label ?? actor.name, actor.context, turn.agent_id);
      if (named) spans.set(actor.id, span(named.name, 'internal', [record.at, endedAt], agent, named.facts));
    } else if (record.type === 'ended') {
      const one = spans.get(record.actor);
      if (!one) continue;
      const [state = record.status] = record.state;
      one.endTimeUnixNano = nanos(record.at);
      one.attributes.push(...attributesOf({ 'switchboard.ending': state }));
      if (record.status === 'error' || FAILED.has(state)) fail(one, state);
    }
  }
  const resource = { attributes: attributesOf({ 'service.name': 'switchboard' }) };
  return {
    resourceSpans: [
      { resource, scopeSpans: [{ scope: { name: 'switchboard' }, spans: [chat, agent, ...spans.values()] }] },
    ],
  };
}

/** The ends of a tool call, or of an approval, that are no success. */
const FAILED: ReadonlySet<string> = new Set(['rejected', 'timedOut', 'denied', 'expired']);

function nameOf(
  machine: string,
  label: string,
  context: unknown,
  agentId: string,
): { name: string; facts: Record<string, unknown> } | undefined {
  const known = isObject(context) ? context : {};
  const common = { 'gen_ai.agent.id': agentId };
  if (machine === 'approval') return { name: `approval ${label}`, facts: { ...common, 'switchboard.action': label } };
  if (machine !== 'callback') return undefined;
  const facts = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': label,
    'gen_ai.tool.call.id': known.action_id || known.request_id,
    ...common,
  };
  return { name: `execute_tool ${label}`, facts };
}

function fail(span: OtlpJsonSpan, type: string): void {
  span.status = { code: ERROR };
  span.attributes.push(...attributesOf({ 'error.type': type }));
}

function attributesOf(facts: Record<string, unknown>): Attribute[] {
  return Object.entries(facts).flatMap(([key, value]): Attribute[] => {
    if (value === undefined || value === null) return [];
    return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: String(value) } }];
  });
}

const nanos = (ms: number): string => String(BigInt(Math.round(ms * 1_000)) * 1_000n);

/** The 32 hexadecimal digits of a turn's id are a trace's id; of an id that is none, something like it. */
function traceOf(turnId: string): string {
  const digits = turnId.replace(/^turn-/, '').replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(digits) ? digits : '0'.repeat(31).concat('1');
}
