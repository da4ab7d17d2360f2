import { z } from 'zod';
import { nameText, shortText } from './bounds.ts';
import { agentId } from './ids.ts';
import { jwtText } from './jwt.ts';
import { moment } from './moment.ts';

/** How much of a turn that may be resumed outlives the broker's process (`docs/protocol.md`, section 8). */
export const DURABLE = ['off', 'process', 'disk'] as const;
/** See {@link DURABLE}. */
export type Durable = (typeof DURABLE)[number];

/** Wire protocol versions that the broker speaks (`wire.md` section 3). */
export const PROTOCOL_VERSIONS = [2, 3] as const;

/**
 * `session.auth`: `{token}` the daemon token, or a key · `{token, agent_id}` an agent with its own · `{host_token}` the
 * management role · `{jwt}`, `{jwt, agent_id}` whoever a JWT says. Which of them are there is judged where authentication
 * is on (`wire.md` section 3).
 */
export const authParams = z.object({
  token: shortText().optional(),
  agent_id: agentId.optional(),
  host_token: shortText().optional(),
  jwt: jwtText().optional().meta({ description: 'in place of the others, or with `agent_id`' }),
  resume: z
    .boolean()
    .optional()
    .meta({ description: 'an agent that numbers its events, and comes back for its turns: section 8' }),
  tickets: z
    .boolean()
    .optional()
    .meta({ description: 'with `resume`: it keeps what it says of a turn with a ticket until that ends: section 8' }),
});
export const authResult = z.object({
  ok: z.literal(true),
  auth_enabled: z.boolean(),
  agent_id: agentId.optional(),
  role: z.literal('host').optional(),
  sub: nameText().optional().meta({ description: 'who a key, a JWT or an embedder’s function says that this is' }),
  tenant: nameText().optional(),
  agent_window_ms: z
    .number()
    .optional()
    .meta({ description: 'to an agent with `resume`: how long its turns wait for it' }),
  expires_at: moment()
    .optional()
    .meta({ description: 'when the key ends, and the connection with it (4401), or the JWT' }),
});

/** `session.expiring`, `session.refresh` (`docs/protocol.md#jwt`). */
export const expiringParams = z.object({ expires_at: moment() });
export const refreshParams = z.object({ jwt: jwtText() });
export const refreshResult = z.object({ expires_at: moment() });

/** `server.handshake`. A wrong or missing version is `-32006`, so the schema lets it through (`wire.md` section 2). */
export const handshakeParams = z.object({
  protocol_version: z.unknown().optional().meta({ description: 'needed: 2 or 3' }),
  client_version: shortText().optional(),
});
export const handshakeResult = z.object({
  protocol_version: z.number(),
  server_version: nameText(),
  client_protocol_version: z.number(),
  epoch: nameText()
    .optional()
    .meta({ description: 'of this process: another one is another process, and what was not kept is gone' }),
  durable: z.enum(DURABLE).optional().meta({
    description:
      'what of a turn with a window outlives this process: nothing, what was written, what was synced to disk',
  }),
  limits: z.object({
    max_message_bytes: z.number(),
    max_turns_per_connection: z.number(),
    max_pending_tools: z.number(),
    resume_window_ms: z.number(),
  }),
});
