import { z } from 'zod';
import { anyId, longText, MAX_ID } from './bounds.ts';
import { sessionId } from './ids.ts';
import type { JsonObject } from './json.ts';
import { jsonNumber } from './json-number.ts';
import { jsonObject } from './json-object.ts';

/** Fields that every event carries on its way from an agent. */
const envelope = { session_id: sessionId, turn_id: anyId().optional() };

const text = longText();
/** An agent's own id of an approval: it is listed, and remembered, so it has an end. */
const approvalId = text.max(1024);
const token = z.looseObject({ ...envelope, kind: z.literal('token'), delta: text });
const toolCall = z.looseObject({
  ...envelope,
  kind: z.literal('tool_call'),
  call_id: text.optional(),
  sequence: jsonNumber.optional(),
  tool: text,
  params: z.unknown().optional(),
});
const toolResult = z.looseObject({
  ...envelope,
  kind: z.literal('tool_result'),
  call_id: text.optional(),
  sequence: jsonNumber.optional(),
  tool: text,
  ok: z.boolean(),
  excerpt: text.optional(),
  evidence: z.unknown().optional(),
});
const approvalPending = z
  .looseObject({
    ...envelope,
    kind: z.literal('approval_pending'),
    approval_id: approvalId,
    tool: text.optional(),
    action: text.optional(),
    params: z.unknown().optional(),
    details: z.unknown().optional(),
    deadline: z.union([jsonNumber, text.max(256)]).optional(),
  })
  .refine((event) => event.tool !== undefined || event.action !== undefined, {
    path: ['tool'],
    error: 'tool or action is needed',
  });
const approvalResolved = z.looseObject({
  ...envelope,
  kind: z.literal('approval_resolved'),
  approval_id: approvalId,
  resolution: z.enum(['approve', 'deny', 'timeout']),
});
const goalEvaluated = z.looseObject({
  ...envelope,
  kind: z.literal('goal_evaluated'),
  iteration: jsonNumber,
  met: z.boolean(),
  grounded: z.boolean(),
  reason: text,
});
const done = z.looseObject({ ...envelope, kind: z.literal('done'), finish_reason: text, text: text.optional() });
const error = z.looseObject({
  ...envelope,
  kind: z.literal('error'),
  error: text,
  code: z.union([text, jsonNumber]).optional(),
  retryable: z.boolean().optional(),
});
const authRequired = z.looseObject({ ...envelope, kind: z.literal('auth_required'), reason: text, message: text });
const other = z.looseObject({ ...envelope, kind: text });
const gatePending = z.looseObject({
  ...envelope,
  kind: z.literal('gate_pending'),
  approval_id: anyId(),
  action: text,
  details: jsonObject,
  expires_at: z.string().max(64).meta({ description: 'RFC 3339; nobody’s answer counts as none from then on' }),
});
const agentAway = z.looseObject({
  ...envelope,
  kind: z.literal('agent_away'),
  window_ms: jsonNumber.meta({ description: 'how long the turn waits for it' }),
});
const agentBack = z.looseObject({ ...envelope, kind: z.literal('agent_back') });
const gateResolved = z.looseObject({
  ...envelope,
  kind: z.literal('gate_resolved'),
  approval_id: anyId(),
  resolution: z.enum(['approve', 'deny', 'timeout', 'withdrawn']),
});

/** The kinds whose fields are checked (`wire.md` section 6). Any other kind passes as it comes. */
export const chatEventKinds = {
  token,
  tool_call: toolCall,
  tool_result: toolResult,
  approval_pending: approvalPending,
  approval_resolved: approvalResolved,
  goal_evaluated: goalEvaluated,
  done,
  error,
  auth_required: authRequired,
  gate_pending: gatePending,
  gate_resolved: gateResolved,
  agent_away: agentAway,
  agent_back: agentBack,
} as const;

export { BROKER_KINDS, TERMINAL_KINDS } from './event-kinds.ts';

/** `agent.chat.event`, from an agent: some kind, checked or as it comes. */
export const agentChatEvent = other;

type Stamped<T> = T & {
  agent_id: string;
  turn_id: string;
  seq: number;
  synthesized?: boolean;
  /** Of a terminal: what came before it is not all that its host has had. */
  truncated?: boolean;
};
type BrokerKind = 'gate_pending' | 'gate_resolved' | 'agent_away' | 'agent_back';
type KnownKind = Exclude<keyof typeof chatEventKinds, BrokerKind>;
type Known<K extends KnownKind> = Stamped<z.infer<(typeof chatEventKinds)[K]>>;
/** What the broker says beside the turn's own events has no place among them. */
type Unnumbered<K extends BrokerKind> = z.infer<(typeof chatEventKinds)[K]> & {
  agent_id: string;
  turn_id: string;
  seq?: undefined;
  synthesized: true;
};
/** What a turn's host hears when a request of that turn is parked at the gate, and when that is settled. */
export type GateEvent = Unnumbered<'gate_pending'> | Unnumbered<'gate_resolved'>;

/** What a turn's host hears where its agent has lost its connection, and where it is back (`docs/protocol.md`, section 8). */
export type AgentPresenceEvent = Unnumbered<'agent_away'> | Unnumbered<'agent_back'>;

/** `agents.chat.event` as a host reads it: the agent's own fields, and the broker's stamp. */
export type ChatEvent =
  | { [K in KnownKind]: Known<K> }[KnownKind]
  | GateEvent
  | AgentPresenceEvent
  | Stamped<{
      kind: 'todos' | 'inference_started' | 'inference_retry' | 'model_served' | 'receipt_report';
      session_id: string;
    }>;

/**
 * An event that the broker has checked: its kind and session are strings, its listed fields of their types. It goes on as it
 * came: what it may lack may be `null`.
 */
export interface CheckedEvent extends JsonObject {
  session_id: string;
  turn_id?: string | null;
  kind: string;
}

const SESSION_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Zod counts characters, of which one may be two of UTF-16's units. */
function isTurnId(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  return value.length <= MAX_ID || (value.length <= 2 * MAX_ID && [...value].length <= MAX_ID);
}

/** The hand-made equal of the `token` schema, but for a delta's length, which its message bounds. `null` is no turn's id. */
export function isToken(params: JsonObject): boolean {
  return (
    typeof params.delta === 'string' &&
    typeof params.session_id === 'string' &&
    SESSION_ID.test(params.session_id) &&
    (params.turn_id === undefined || params.turn_id === null || isTurnId(params.turn_id)) &&
    params.kind === 'token'
  );
}
