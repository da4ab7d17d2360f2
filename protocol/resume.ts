import { z } from 'zod';
import { turnStatus } from './chat.ts';
import { agentId, sessionId } from './ids.ts';
import { jsonObject } from './json.ts';

/** `agents.chat.subscribe` (`wire.md` section 8). */
export const chatSubscribeParams = z.object({
  session_id: sessionId,
  turn_id: z
    .string()
    .optional()
    .meta({ description: "default: the session's live turn, else the one that ended last" }),
  after: z.int().min(0).default(0).meta({ description: 'the last `seq` that the client has' }),
  resume_token: z.string().optional(),
  role: z.enum(['controller', 'observer']).default('controller'),
});
/** See {@link chatSubscribeParams}. */
export type ChatSubscribeParams = z.infer<typeof chatSubscribeParams>;

const accepted = turnStatus.exclude(['dispatching']);
/** Where an accepted turn stands, or how it ended. */
export const resumedStatus = z.enum([...accepted.options, 'done', 'failed', 'cancelled', 'abandoned']);
/** See {@link resumedStatus}. */
export type ResumedStatus = z.infer<typeof resumedStatus>;

export const chatSubscribeResult = z.object({
  session_id: sessionId,
  turn_id: z.string(),
  agent_id: agentId,
  status: resumedStatus,
  head: z.number().meta({ description: 'the newest `seq`' }),
  recovered: z.boolean().meta({ description: 'whether every event after `after` follows' }),
  text: z
    .string()
    .optional()
    .meta({ description: 'where not: all `token` deltas up to `head`, if they were not too long to keep' }),
  pending_approvals: z.array(jsonObject).meta({ description: 'the `approval_pending` events that wait for an answer' }),
});
/** See {@link chatSubscribeResult}. */
export type ChatSubscribeResult = z.infer<typeof chatSubscribeResult>;
