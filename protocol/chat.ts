import { z } from 'zod';
import { clampedInt } from './any-int.ts';
import { anyId, list, listing, longText, nameText, shaped, shortText, truncated } from './bounds.ts';
import { FRONTS, type Front } from './grants.ts';
import { agentId, sessionId } from './ids.ts';
import { jsonObject } from './json-object.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { MAX_TICKET_BYTES } from './ticket.ts';
import { traceMeta } from './trace.ts';

/** A picture that goes with a prompt (`wire.md` section 6). */
export const attachment = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('image_base64'),
    data: longText().min(1),
    media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
  }),
  z.object({
    type: z.literal('image_url'),
    url: longText().regex(/^https?:\/\/\S+$/i, 'an http or https URL'),
    detail: nameText().optional(),
  }),
]);

/** How often an agent tries at most. */
const MAX_ITERATIONS = 50;

/** A condition that the agent works towards, and how often it may try. */
export const goal = z.object({
  check: longText().min(1),
  max_iterations: clampedInt()
    .overwrite((wished) => Math.min(MAX_ITERATIONS, Math.max(1, wished)))
    .default(8)
    .meta({ description: `clamped to 1–${MAX_ITERATIONS}` }),
});

/** See {@link goal}. */
export type Goal = z.infer<typeof goal>;

/** What goes on to the agent as it came: a field that is added here reaches it, and nothing else has to know of it. */
const passedOn = {
  stream: z.boolean().default(true),
  conversation_id: sessionId.optional(),
  model: shortText().optional(),
  attachments: list(attachment, 1_000).optional(),
  goal: goal.optional(),
};
/** The names of those fields of `agents.chat` that `agent.chat` has too, with the same values. */
export const PASSED_ON = ['prompt', ...(Object.keys(passedOn) as (keyof typeof passedOn)[])] as const;

/** `agents.chat`, from a host (`wire.md` section 6). */
export const chatParams = z
  .object({
    agent_id: agentId,
    prompt: longText(),
    session_id: sessionId.optional(),
    ...passedOn,
    voice_input: z.boolean().default(false),
    context: jsonObject.optional(),
    on_busy: z.enum(['reject', 'replace', 'queue']).default('reject'),
    resume_window_ms: clampedInt(0).default(0),
    resume_token: shaped(128, /^[A-Za-z0-9_-]{32,128}$/, '32–128 of [A-Za-z0-9_-]')
      .optional()
      .meta({
        description:
          'a secret of the host’s own, one for each turn: the same chat again with it opens nothing; needs `session_id` and a window',
      }),
  })
  .superRefine(({ resume_token, session_id, resume_window_ms }, context) => {
    if (resume_token === undefined) return;
    const need = (path: string, isThere: boolean) => {
      if (!isThere) context.addIssue({ code: 'custom', path: [path], message: 'is needed with a `resume_token`' });
    };
    need('session_id', session_id !== undefined);
    need('resume_window_ms', resume_window_ms > 0);
  });
/** `agents.chat` after its defaults were filled in. */
export type ChatParams = z.infer<typeof chatParams>;
/** By which front a chat says that it comes; undefined where it names none. */
export function frontOf({ context }: Pick<ChatParams, 'context'>): Front | undefined {
  return FRONTS.find((front) => front !== 'ws' && front === context?.front);
}

/** `agents.chat` as a client writes it. */
export type ChatInput = z.input<typeof chatParams>;

/** `agent.chat`, to the agent. */
export const agentChatParams = z.object({
  session_id: sessionId,
  turn_id: anyId(),
  prompt: longText(),
  ...passedOn,
  stream: z.boolean(),
  context: jsonObject.meta({
    description: "the host's own, with the broker's host_client_id, voice_input, tools and principal",
  }),
  ticket: z
    .string()
    .max(MAX_TICKET_BYTES)
    .optional()
    .meta({ description: 'to an agent with `tickets`, in a cluster: to be said again in `agent.resume`' }),
  _meta: traceMeta,
});
/** `agent.chat` as the agent reads it. */
export type AgentChatParams = z.infer<typeof agentChatParams>;
export const agentChatResult = z.looseObject({ accepted: z.boolean() });

/** Why an agent is told to stop (`wire.md` section 6). */
export const cancelReason = z.enum([
  'host_cancelled',
  'host_disconnected',
  'replaced',
  'stale',
  'draining',
  'slow_consumer',
  'ack_timeout',
  'agent_replaced',
]);
/** See {@link cancelReason}. */
export type CancelReason = z.infer<typeof cancelReason>;

export const agentChatCancelParams = z.object({
  session_id: sessionId,
  turn_id: anyId(),
  reason: cancelReason,
  _meta: traceMeta,
});
/** `agent.chat.cancel` as the agent reads it. */
export type AgentChatCancelParams = z.infer<typeof agentChatCancelParams>;

export const cancelParams = z.object({
  session_id: sessionId,
  grace_ms: z.int().min(0).max(DEFAULT_LIMITS.maxGraceMs).default(0),
});
export const cancelResult = z.object({ cancelled: z.literal(true), session_id: sessionId });

/** Where a turn stands, as `agents.chat.sessions` says it. */
export const turnStatus = z.enum([
  'dispatching',
  'streaming',
  'parked',
  'detached',
  'orphaned',
  'recovering',
  'cancelling',
]);
/** See {@link turnStatus}. */
export type TurnStatus = z.infer<typeof turnStatus>;

/** One row of `agents.chat.sessions`. */
export const sessionRow = z.object({
  session_id: sessionId,
  turn_id: anyId(),
  agent_id: agentId,
  host_client_id: anyId().nullable().meta({ description: '`null` while it is detached' }),
  created_at: z.number().meta({ description: 'Unix seconds' }),
  status: turnStatus,
  seq: z.number(),
  front: z.enum(FRONTS).optional().meta({ description: 'what its host wrote as `front` into the `context`' }),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker that has it, as its agent' }),
});
/** See {@link sessionRow}. */
export type SessionRow = z.infer<typeof sessionRow>;
export const sessionsResult = z.object({ sessions: listing(sessionRow), truncated });
