import { z } from 'zod';
import { anyId, longText, MAX_ID } from './bounds.ts';
import { sessionId } from './ids.ts';
import { isObject, type JsonObject } from './json.ts';

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
  sequence: z.number().optional(),
  tool: text,
  params: z.unknown().optional(),
});
const toolResult = z.looseObject({
  ...envelope,
  kind: z.literal('tool_result'),
  call_id: text.optional(),
  sequence: z.number().optional(),
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
    deadline: z.union([z.number(), text.max(256)]).optional(),
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
  iteration: z.number(),
  met: z.boolean(),
  grounded: z.boolean(),
  reason: text,
});
const done = z.looseObject({ ...envelope, kind: z.literal('done'), finish_reason: text, text: text.optional() });
const error = z.looseObject({
  ...envelope,
  kind: z.literal('error'),
  error: text,
  code: z.union([text, z.number()]).optional(),
  retryable: z.boolean().optional(),
});
const authRequired = z.looseObject({ ...envelope, kind: z.literal('auth_required'), reason: text, message: text });
const other = z.looseObject({ ...envelope, kind: text });

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
} as const;
const schemas: ReadonlyMap<string, z.ZodType> = new Map(Object.entries(chatEventKinds));

/** The kinds that end a turn. */
export const TERMINAL_KINDS: ReadonlySet<string> = new Set(['done', 'error', 'auth_required']);

/** `agent.chat.event`, from an agent: some kind, checked or as it comes. */
export const agentChatEvent = other;

type Stamped<T> = T & { agent_id: string; turn_id: string; seq: number; synthesized?: boolean };
type KnownKind = keyof typeof chatEventKinds;
type Known<K extends KnownKind> = Stamped<z.infer<(typeof chatEventKinds)[K]>>;

/** `agents.chat.event` as a host reads it: the agent's own fields, and the broker's stamp. */
export type ChatEvent =
  | { [K in KnownKind]: Known<K> }[KnownKind]
  | Stamped<{
      kind: 'todos' | 'inference_started' | 'inference_retry' | 'model_served' | 'receipt_report';
      session_id: string;
    }>;

/** An event that the broker has checked: its kind and session are strings, its listed fields of their types. */
export interface CheckedEvent extends JsonObject {
  session_id: string;
  turn_id?: string;
  kind: string;
}

/**
 * Whether `params` is an event that may pass (`wire.md` section 6). By hand for `token`, because that frame is nearly
 * all there is; it accepts exactly what its schema accepts, which a property test holds it to.
 */
export function isChatEvent(params: unknown): params is CheckedEvent {
  if (!isObject(params)) return false;
  if (params.kind === 'token') return isToken(params);
  const schema = typeof params.kind === 'string' ? (schemas.get(params.kind) ?? other) : other;
  return schema.safeParse(params).success;
}

const SESSION_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Zod counts characters, of which one may be two of UTF-16's units. */
function isTurnId(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  return value.length <= MAX_ID || (value.length <= 2 * MAX_ID && [...value].length <= MAX_ID);
}

/** The hand-made equal of the `token` schema, but for a delta's length, which its message bounds. */
export function isToken(params: JsonObject): boolean {
  return (
    typeof params.delta === 'string' &&
    typeof params.session_id === 'string' &&
    SESSION_ID.test(params.session_id) &&
    (params.turn_id === undefined || isTurnId(params.turn_id)) &&
    params.kind === 'token'
  );
}
