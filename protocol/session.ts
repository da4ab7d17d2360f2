import { z } from 'zod';
import { nameText, shortText } from './bounds.ts';
import { agentId } from './ids.ts';

/** Wire protocol versions that the broker speaks (`wire.md` section 3). */
export const PROTOCOL_VERSIONS = [2, 3] as const;

/**
 * `session.auth`: `{token}` the daemon token · `{token, agent_id}` an agent with its own · `{host_token}` the
 * management role. Which of them are there is judged where authentication is on (`wire.md` section 3).
 */
export const authParams = z.object({
  token: shortText().optional(),
  agent_id: agentId.optional(),
  host_token: shortText().optional(),
});
export const authResult = z.object({
  ok: z.literal(true),
  auth_enabled: z.boolean(),
  agent_id: agentId.optional(),
  role: z.literal('host').optional(),
});

/** `server.handshake`. A wrong or missing version is `-32006`, so the schema lets it through (`wire.md` section 2). */
export const handshakeParams = z.object({
  protocol_version: z.unknown().optional().meta({ description: 'needed: 2 or 3' }),
  client_version: shortText().optional(),
});
export const handshakeResult = z.object({
  protocol_version: z.number(),
  server_version: nameText(),
  client_protocol_version: z.number(),
  limits: z.object({
    max_message_bytes: z.number(),
    max_turns_per_connection: z.number(),
    max_pending_tools: z.number(),
    resume_window_ms: z.number(),
  }),
});
