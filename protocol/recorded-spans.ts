import type { InspectedActor } from './inspect.ts';
import type { RecordedEvent, RecordedTurnLog } from './recording.ts';

/*
 * A recorded turn as spans, those that `--otlp` sends while it runs (`docs/tracing.md`), in OTLP's JSON: what a collector
 * takes at `/v1/traces`. Like those they have no content: no prompt, no answer, no parameter, no result.
 */

/** A value of an attribute, as OTLP's JSON has it. */
export type OtlpValue = { stringValue: string } | { intValue: string } | { boolValue: boolean };
/** See {@link OtlpValue}. */
export interface OtlpAttribute {
  key: string;
  value: OtlpValue;
}

/** A span in OTLP's JSON. Ids are lower-case hexadecimal, times decimal nanoseconds since 1970. */
export interface OtlpJsonSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 1 internal, 2 server, 3 client. */
  kind: 1 | 2 | 3;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: OtlpAttribute[];
  events: { timeUnixNano: string; name: string; attributes: OtlpAttribute[] }[];
  /** 2: it ended in an error. */
  status: { code: 0 | 2 };
}

/** What a collector takes at `/v1/traces`. */
export interface OtlpJsonTrace {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] };
    scopeSpans: { scope: { name: string }; spans: OtlpJsonSpan[] }[];
  }[];
}

/** Endings that are an error's. */
const FAILED = ['failed', 'refused', 'abandoned', 'rejected', 'timedOut', 'denied', 'expired'];

/**
 * A recorded turn in OTLP's JSON: `agents.chat`, below it `invoke_agent`, below that its tool calls. Its ids are made of
 * the turn's, the same each time. What has not ended ends with the last record.
 */
export function recordedSpans(log: RecordedTurnLog): OtlpJsonTrace {
  const { turn, records } = log;
  const traceId = hexOf(turn.turn_id, 32);
  const lives = livesOf(log);
  const last = records.reduce(
    (at, record) => Math.max(at, 'until' in record ? record.until : record.at),
    turn.started_at,
  );
  const ended = Math.max(turn.ended_at ?? last, turn.started_at);
  const agent = { 'gen_ai.agent.id': turn.agent_id };
  const session = { 'gen_ai.conversation.id': turn.session_id };
  const ending = { ...(turn.ended_at === undefined ? {} : { 'switchboard.ending': turn.state }), ...errorOf(turn) };
  const tokens = { 'switchboard.deltas': turn.tokens };
  const root: OtlpJsonSpan = {
    traceId,
    spanId: hexOf(`agents.chat ${turn.turn_id}`, 16),
    name: 'agents.chat',
    kind: 2,
    ...times(turn.started_at, ended),
    attributes: attributes({
      'rpc.system': 'jsonrpc',
      'rpc.method': 'agents.chat',
      ...session,
      'switchboard.tenant': turn.tenant ?? 'default',
      ...tokens,
      ...ending,
    }),
    events: [],
    status: statusOf(turn.state),
  };
  const invoked: OtlpJsonSpan = {
    traceId,
    spanId: hexOf(`invoke_agent ${turn.turn_id}`, 16),
    parentSpanId: root.spanId,
    name: `invoke_agent ${turn.agent_id}`,
    kind: 3,
    ...times(turn.started_at, ended),
    attributes: attributes({
      'gen_ai.operation.name': 'invoke_agent',
      ...agent,
      ...session,
      'switchboard.turn.id': turn.turn_id,
      ...tokens,
      ...ending,
    }),
    events: [
      ...(turn.first_token_ms === undefined ? [] : [event('first_token', turn.started_at + turn.first_token_ms)]),
      ...lives.filter(({ actor }) => actor.machine === 'approval').flatMap((life) => waits(life)),
    ].sort((one, other) => Number(BigInt(one.timeUnixNano) - BigInt(other.timeUnixNano))),
    status: statusOf(turn.state),
  };
  const tools = lives
    .filter(({ actor }) => actor.machine === 'callback')
    .map((life) => toolSpan(life, invoked, agent, life.endedAt ?? ended));
  const resource = { attributes: attributes({ 'service.name': 'switchboard' }) };
  return {
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'switchboard' }, spans: [root, invoked, ...tools] }] }],
  };
}

/** An actor, from its first record to its last. */
interface Life {
  actor: InspectedActor;
  startedAt: number;
  /** When each of its states began. */
  states: { at: number; state: readonly string[] }[];
  endedAt?: number;
  /** The state in which it ended. */
  ending?: string;
}

function livesOf({ actors, records }: RecordedTurnLog): Life[] {
  const lives = new Map<string, Life>();
  const begin = (actor: InspectedActor) => {
    const states = [{ at: actor.started_at, state: actor.state }];
    lives.set(actor.id, { actor, startedAt: actor.started_at, states });
  };
  for (const actor of actors) begin(actor);
  for (const record of records) note(record, lives, begin);
  return [...lives.values()];
}

function note(record: RecordedEvent, lives: ReadonlyMap<string, Life>, begin: (actor: InspectedActor) => void): void {
  if (record.type === 'started') begin(record.actor);
  if (record.type !== 'transition' && record.type !== 'ended') return;
  const life = lives.get(record.actor);
  if (!life) return;
  life.states.push({ at: record.at, state: record.state });
  if (record.type === 'transition' && record.status === 'active') return;
  life.endedAt ??= record.at;
  life.ending ??= record.state[0] ?? record.status;
}

function toolSpan(life: Life, parent: OtlpJsonSpan, agent: Record<string, string>, ended: number): OtlpJsonSpan {
  const { actor, startedAt, ending } = life;
  const tool = actor.label ?? actor.name;
  const hasFailed = ending !== undefined && FAILED.includes(ending);
  return {
    traceId: parent.traceId,
    spanId: hexOf(`${actor.id} ${parent.spanId}`, 16),
    parentSpanId: parent.spanId,
    name: `execute_tool ${tool}`,
    kind: 1,
    ...times(startedAt, Math.max(startedAt, ended)),
    attributes: attributes({
      'gen_ai.operation.name': 'execute_tool',
      ...agent,
      'gen_ai.tool.name': tool,
      'gen_ai.tool.call.id': actor.name,
      ...(ending === undefined ? {} : { 'switchboard.ending': ending }),
      ...(hasFailed ? { 'error.type': ending } : {}),
    }),
    events: parkedAt(life),
    status: statusOf(ending),
  };
}

/** When a tool waited for a person, and when that was over. */
function parkedAt({ states }: Life): OtlpJsonSpan['events'] {
  const parked = states.findIndex(({ state }) => state.includes('parked'));
  if (parked < 0) return [];
  const after = states.slice(parked).find(({ state }) => !state.includes('parked'));
  const events = [event('parked', states[parked]?.at ?? 0)];
  if (after?.state.includes('pending')) events.push(event('approved', after.at));
  return events;
}

/** The same of an approval that the agent asked for. */
function waits({ startedAt, endedAt, ending }: Life): OtlpJsonSpan['events'] {
  const over = endedAt === undefined || ending === undefined ? [] : [event(ending, endedAt)];
  return [event('parked', startedAt), ...over];
}

const event = (name: string, at: number) => ({ timeUnixNano: nanoseconds(at), name, attributes: [] });

const times = (start: number, end: number) => ({
  startTimeUnixNano: nanoseconds(start),
  endTimeUnixNano: nanoseconds(end),
});

/** Unix milliseconds as decimal nanoseconds: no number is as exact. */
function nanoseconds(ms: number): string {
  const microseconds = Math.round(Math.max(0, ms) * 1_000);
  return Number.isSafeInteger(microseconds) ? `${BigInt(microseconds) * 1_000n}` : '0';
}

function errorOf({ error }: RecordedTurnLog['turn']): Record<string, string> {
  return error ? { 'error.type': String(error.code) } : {};
}

const statusOf = (ending: string | undefined): OtlpJsonSpan['status'] => ({
  code: ending !== undefined && FAILED.includes(ending) ? 2 : 0,
});

function attributes(facts: Readonly<Record<string, string | number | boolean>>): OtlpAttribute[] {
  return Object.entries(facts).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value: string | number | boolean): OtlpValue {
  if (typeof value === 'boolean') return { boolValue: value };
  return typeof value === 'number' ? { intValue: String(Math.round(value)) } : { stringValue: value };
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id of that many hexadecimal digits, the same for the same text; a UUID's are its own. Never all zeros. */
function hexOf(text: string, digits: 16 | 32): string {
  const [uuid] = digits === 32 ? (UUID.exec(text) ?? []) : [];
  if (uuid !== undefined && /[1-9a-f]/.test(uuid)) return uuid.replaceAll('-', '');
  let hex = '';
  for (let part = 0; hex.length < digits; part += 1) hex += fnv1a(`${part} ${text}`).toString(16).padStart(8, '0');
  return /[1-9a-f]/.test(hex) ? hex : hex.replace(/0$/, '1');
}

/** FNV-1a of 32 bits: no secret hangs on it. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
