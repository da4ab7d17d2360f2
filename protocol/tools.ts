import { z } from 'zod';
import { passedInt } from './any-int.ts';
import { anyId, list, listing, longText, nameText } from './bounds.ts';
import { sessionId } from './ids.ts';
import { jsonNumber } from './json-number.ts';
import { jsonObject } from './json-object.ts';
import { traceMeta } from './trace.ts';

/** A tool's name, as a host registers it. */
export const toolName = z.string().min(1).max(256);

/** A tool that a host offers to the agents it talks to (`wire.md` section 3). `parameters` is a JSON Schema. */
export const toolDefinition = z.object({
  name: toolName,
  description: longText().optional(),
  parameters: jsonObject.optional(),
});
/** See {@link toolDefinition}. */
export type ToolDefinition = z.infer<typeof toolDefinition>;

/** Definitions in one request: far more than a connection may have. */
const MAX_DEFINITIONS = 10_000;

export const initParams = z.object({
  tools: list(toolDefinition, MAX_DEFINITIONS).optional(),
  params_once: z.boolean().optional().meta({ description: '`tools.execute` has its parameters once, as `parameters`' }),
});
export const initResult = z.object({
  session_id: anyId().meta({ description: 'the client id of this connection' }),
  tools_registered: z.number(),
  policies_registered: z.literal(0),
});
export const registerToolsParams = list(toolDefinition, MAX_DEFINITIONS);
export const unregisterToolParams = z.object({ name: toolName });
export const unregisterToolResult = z.object({
  unregistered: toolName,
  removed: z.union([z.literal(0), z.literal(1)]),
});
export const listToolsResult = z.object({ tools: listing(toolDefinition), count: z.number() });

/** Longest that a tool may be waited for, in milliseconds: a day. */
const MAX_TIMEOUT_MS = 24 * 60 * 60_000;

/** Whatever the tool takes; inside it `null` means null. */
const parameters = z
  .unknown()
  .refine((value) => value !== null)
  .default(() => ({}));

/** `tools.execute`, from a turn's agent (`wire.md` section 7). */
export const executeParams = z.object({
  session_id: sessionId,
  tool: toolName,
  parameters,
  timeout_ms: z.int().min(1).max(MAX_TIMEOUT_MS).default(300_000),
  action_id: anyId().default(''),
  attempt: passedInt(1).default(1),
});
/** `tools.execute` as the broker sees it. */
export type ExecuteParams = z.infer<typeof executeParams>;
/** Whatever the host answered, `null` and `false` included. */
export const executeResult = z.unknown();

/** `tools.execute`, to the host. Its JSON-RPC id equals `request_id`. */
export const hostExecuteParams = z.object({
  action_id: anyId(),
  tool: toolName,
  parameters: z.unknown(),
  params: z
    .unknown()
    .optional()
    .meta({ description: 'the same as parameters; not to a host that said `params_once` in `session.init`' }),
  timeout_ms: z.number(),
  attempt: jsonNumber,
  request_id: anyId(),
  session_id: sessionId.optional(),
  _meta: traceMeta,
});
/** `tools.execute` as a host reads it. */
export type HostExecuteParams = z.infer<typeof hostExecuteParams>;

/** Why a tool's call is over without an answer (`wire.md` section 7). */
export const toolCancelReason = z.enum([
  'timeout',
  'turn_ended',
  'agent_withdrew',
  'agent_disconnected',
  'host_disconnected',
  'host_replaced',
  'draining',
]);
/** See {@link toolCancelReason}. */
export type ToolCancelReason = z.infer<typeof toolCancelReason>;

export const hostToolCancelParams = z.object({
  request_id: anyId(),
  action_id: anyId(),
  reason: toolCancelReason,
  _meta: traceMeta,
});

const rpcId = z.union([nameText(), jsonNumber]);
/** `tools.cancel`, from an agent: its own request's id. */
export const withdrawToolParams = z.object({ id: rpcId });
/** `tools.progress`, from a host. To the agent it goes with `request_id` its own request's id. */
export const progressParams = z.looseObject({
  request_id: rpcId,
  progress: z.unknown().optional(),
  message: longText().optional(),
});
/** See {@link progressParams}. */
export type ProgressParams = z.infer<typeof progressParams>;
