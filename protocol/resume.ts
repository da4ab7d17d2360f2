import { z } from 'zod';
import { anyId, listing, longText, nameText } from './bounds.ts';
import { turnStatus } from './chat.ts';
import { agentId, sessionId } from './ids.ts';
import { jsonObject } from './json-object.ts';
import { MAX_SEQ } from './seq.ts';

/** `agents.chat.subscribe` (`wire.md` section 8). */
export const chatSubscribeParams = z.object({
  session_id: sessionId,
  turn_id: anyId().optional().meta({ description: "default: the session's live turn, else the one that ended last" }),
  after: z.int().min(0).max(MAX_SEQ).default(0).meta({ description: 'the last `seq` that the client has' }),
  resume_token: anyId().optional(),
  role: z.enum(['controller', 'observer']).default('controller'),
  claim: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .meta({ description: 'what a controller calls itself, at random: the last one’s is remembered with the turn' }),
  unless_taken: z
    .boolean()
    .default(false)
    .meta({ description: 'not where a controller with another claim has taken the turn over: `-32015`' }),
});
/** See {@link chatSubscribeParams}. */
export type ChatSubscribeParams = z.infer<typeof chatSubscribeParams>;

/** How an accepted turn ended. */
const endedStatus = z.enum(['done', 'failed', 'cancelled', 'abandoned']);
/** See {@link isEnded}. */
export type EndedStatus = z.infer<typeof endedStatus>;

const accepted = turnStatus.exclude(['dispatching']);
/** Where an accepted turn stands, or how it ended. */
export const resumedStatus = z.enum([...accepted.options, ...endedStatus.options]);
/** See {@link resumedStatus}. */
export type ResumedStatus = z.infer<typeof resumedStatus>;

const ENDED: ReadonlySet<unknown> = new Set(endedStatus.options);

/** Whether this is the status of a turn that has ended: one with a terminal, and no live stream. */
export function isEnded(status: unknown): status is EndedStatus {
  return ENDED.has(status);
}

export const chatSubscribeResult = z.object({
  session_id: sessionId,
  turn_id: anyId(),
  agent_id: agentId,
  status: resumedStatus,
  head: z.number().meta({ description: 'the newest `seq`; after a restart it may be less than `after`' }),
  epoch: nameText().optional().meta({ description: 'as `server.handshake` tells it' }),
  recovered: z.boolean().meta({ description: 'whether every event after `after` follows' }),
  text: longText()
    .optional()
    .meta({ description: 'where not: all `token` deltas up to `head`, if they were not too long to keep' }),
  pending_approvals: listing(jsonObject).meta({
    description: 'the `approval_pending` events that wait for an answer, and a controller’s `gate_pending` ones',
  }),
});
/** See {@link chatSubscribeResult}. */
export type ChatSubscribeResult = z.infer<typeof chatSubscribeResult>;

const { session_id, turn_id, ...stands } = chatSubscribeResult.shape;
/** The answer to `agents.chat`: of a chat that was opened before with the same `resume_token`, also where it stands. */
export const chatResult = z.object({
  accepted: z.literal(true),
  session_id,
  turn_id,
  resume_token: anyId().optional(),
  resumed: z.literal(true).optional().meta({
    description: 'it was opened before; what follows is as `agents.chat.subscribe` answers it, and so are the events',
  }),
  ...z.object(stands).partial().shape,
});
/** See {@link chatResult}. */
export type ChatResult = z.infer<typeof chatResult>;

/** `agents.chat.unsubscribe`. */
export const chatUnsubscribeParams = z.object({
  session_id: sessionId,
  turn_id: anyId().optional().meta({ description: "default: the session's live turn" }),
});
export const chatUnsubscribeResult = z.object({
  session_id: sessionId,
  unsubscribed: z.boolean().meta({ description: 'whether it was watching' }),
});
