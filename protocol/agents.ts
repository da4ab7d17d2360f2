import { z } from 'zod';
import { anyId, list, nameText } from './bounds.ts';
import { agentId } from './ids.ts';
import { jsonObject } from './json-object.ts';

/** What is known of an agent, its token apart (`wire.md` section 4). */
export const agentSpec = z.object({
  id: agentId,
  name: nameText(),
  capabilities: list(nameText(), 256),
  metadata: jsonObject,
});
/** See {@link agentSpec}. */
export type AgentSpec = z.infer<typeof agentSpec>;

export const upsertParams = z.object({
  id: agentId,
  name: z.string().min(1).max(256).optional(),
  capabilities: list(z.string().min(1).max(128), 256).optional(),
  metadata: jsonObject.optional(),
  rotate_token: z.boolean().optional(),
});
export const upsertResult = z.object({
  spec: agentSpec,
  token: anyId().optional().meta({ description: 'at creation and rotation only' }),
});

export const removeParams = z.object({ id: agentId });
export const removeResult = z.object({ removed: z.boolean() });

/** One row of `agents.list`. */
export const agentRow = z.object({
  spec: agentSpec,
  status: z.enum(['running', 'stopped']),
  attached: z.boolean(),
  session_id: anyId().nullable().meta({ description: 'the client id of its connection' }),
  turns: z.number(),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker at which it is attached' }),
});
/** See {@link agentRow}. */
export type AgentRow = z.infer<typeof agentRow>;
