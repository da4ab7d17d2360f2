import { z } from 'zod';
import { anyId, list, longText, nameText } from './bounds.ts';
import { agentId, sessionId } from './ids.ts';
import { jsonObject } from './json-object.ts';
import { moment } from './moment.ts';
import { traceMeta } from './trace.ts';

/** Where an approval stands (`wire.md` section 5). */
export const approvalStatus = z.enum(['pending', 'approved', 'denied', 'expired', 'withdrawn']);
/** See {@link approvalStatus}. */
export type ApprovalStatus = z.infer<typeof approvalStatus>;

/**
 * Who wrote an approval's row: the broker, of a request that it holds back (`gate`) or of a chat turn's question
 * (`chat`); or whoever asked with `host.request_approval` (`request`), whose action and details may claim anything.
 */
export const approvalOrigin = z.enum(['gate', 'chat', 'request']);
/** See {@link approvalOrigin}. */
export type ApprovalOrigin = z.infer<typeof approvalOrigin>;

/** One approval as clients see it. */
export const approvalRow = z.object({
  id: anyId(),
  origin: approvalOrigin.meta({
    description: 'who wrote the row: the broker (`gate`, `chat`), or whoever asked for it (`request`)',
  }),
  agent_id: agentId.nullable(),
  action: longText(),
  details: jsonObject,
  options: list(nameText(), 32),
  status: approvalStatus,
  created_at: moment().meta({ description: 'RFC 3339' }),
  expires_at: moment().optional().meta({ description: 'RFC 3339; of a gate’s: when nobody’s answer counts as none' }),
  resolution: z.string().max(1024).optional(),
  resolved_at: moment().optional().meta({ description: 'RFC 3339' }),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker at which it was raised' }),
});
/** See {@link approvalRow}. */
export type ApprovalRow = z.infer<typeof approvalRow>;

export const requestApprovalParams = z.object({
  agent_id: agentId.optional(),
  action: z.string().min(1).max(1024),
  details: jsonObject.optional(),
  options: list(z.string().min(1).max(256), 32).min(1).default(['approve', 'deny']),
});

export const resolveApprovalParams = z.object({
  approval_id: anyId().min(1),
  resolution: z.string().min(1).max(1024).meta({ description: 'any label other than `approve` denies' }),
});

/** `agents.chat.approve`, and `agent.chat.approve` on its way to the agent (`wire.md` section 6). */
export const chatApproveParams = z.object({
  session_id: sessionId,
  approval_id: anyId(),
  decision: z.union([z.boolean(), z.string().max(1024)]).optional(),
  answer: z.unknown().optional(),
});
/** See {@link chatApproveParams}. */
export type ChatApproveParams = z.infer<typeof chatApproveParams>;
export const chatApproveResult = z.object({ resolved: z.boolean(), session_id: sessionId });
/** `agent.chat.approve`, to the agent. */
export const agentApproveParams = chatApproveParams.extend({ _meta: traceMeta });
export const agentApproveResult = z.looseObject({ resolved: z.boolean() });

export { approves } from './approves.ts';

/**
 * Methods that a gate can never park (`wire.md` section 5): a broker that waited for approval of these could not be
 * spoken to, or never be answered.
 */
export const UNGATEABLE_METHODS: readonly string[] = [
  'session.auth',
  'session.refresh',
  'server.handshake',
  'host.resolve_approval',
];
