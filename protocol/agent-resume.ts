import { z } from 'zod';
import { anyId, list, listing, longText, shortText } from './bounds.ts';
import { cancelReason } from './chat.ts';
import { sessionId } from './ids.ts';
import { MAX_SEQ } from './seq.ts';

/** Turns that one `agent.resume` may name. */
export const MAX_RESUMED_TURNS = 1_000;

/** Approvals that one of them may list. */
const MAX_LISTED_APPROVALS = 1_000;

const eventNumber = () => z.int().min(0);

/** `agent.resume`: an agent is back, and these are the turns that it goes on with (`docs/protocol.md`, section 8). */
export const agentResumeParams = z.object({
  turns: list(
    z.object({
      turn_id: anyId(),
      session_id: sessionId,
      next: z.int().min(1).max(MAX_SEQ).optional().meta({ description: 'the `aseq` of its next new event' }),
      kept_from: z
        .int()
        .min(1)
        .max(MAX_SEQ)
        .default(1)
        .meta({ description: 'the `aseq` of the oldest event that it can send again' }),
      text: longText()
        .optional()
        .meta({ description: 'where it let go of some: their `token` deltas up to `kept_from`, joined' }),
      pending_approvals: list(anyId(), MAX_LISTED_APPROVALS)
        .optional()
        .meta({ description: 'the `approval_id`s that it waits for; after a restart others are withdrawn' }),
      ticket: shortText()
        .optional()
        .meta({ description: 'that of its `agent.chat`: what nobody knows any more goes on with it' }),
      text_from: z.int().min(0).default(0).meta({ description: 'how much text was before that, in UTF-16 units' }),
    }),
    MAX_RESUMED_TURNS,
  ).meta({
    description: 'with fewer than 1,000 in it these are all: any other turn of this agent ends, `agent_replaced`',
  }),
});

/** What became of one of them. */
export const resumedTurn = z.object({
  turn_id: anyId(),
  status: z
    .enum(['resumed', 'ended', 'unknown'])
    .meta({ description: '`ended`: all of it has arrived. `unknown`: nobody waits for the rest' }),
  after: eventNumber().meta({ description: 'the `aseq` of the last event that has arrived' }),
  released: eventNumber().meta({ description: 'up to this `aseq` nothing has to be kept' }),
  cancel: z
    .object({ reason: cancelReason, grace_ms: z.number() })
    .optional()
    .meta({ description: 'it was cancelled meanwhile, and has so long to end by itself' }),
});
/** See {@link resumedTurn}. */
export type ResumedTurn = z.infer<typeof resumedTurn>;
export const agentResumeResult = z.object({ turns: list(resumedTurn, MAX_RESUMED_TURNS) });

/** `agent.chat.ack`. */
export const agentAckParams = z.object({
  acks: listing(list(z.union([anyId(), eventNumber()]), 3)).meta({
    description:
      '`[turn_id, received, released]`: the last `aseq` that has arrived, and the last that need not be kept',
  }),
});

/** `agent.chat.rewind`. */
export const agentRewindParams = z.object({
  turn_id: anyId(),
  after: eventNumber().meta({ description: 'the `aseq` of the last event that has arrived' }),
});
