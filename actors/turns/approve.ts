import { approves } from '../../protocol/approvals.ts';
import { WireError } from '../../protocol/errors.ts';
import { answerApproval } from '../approvals/approval.ts';
import { APPROVALS } from '../approvals/approvals.ts';
import { type Handler, LATER } from '../requests/dispatcher.ts';
import { findOwnTurn } from './methods.ts';

/** `agents.chat.approve` (`wire.md` section 6): the same approval, by the agent's own id for it. */
export const approveChat: Handler<'agents.chat.approve'> = (call) => {
  const { kernel, from, id, params, trace } = call;
  if (from.role === 'agent') throw WireError.forbidden('approval');
  const turn = findOwnTurn(call, params.session_id);
  const approval = turn.pendingApprovals.get(params.approval_id);
  if (!approval?.ref) {
    throw WireError.approvalNotPending(kernel.get(APPROVALS).resolvedOfTurn(turn.id, params.approval_id)?.status);
  }
  const approve = approves(params.decision);
  const { session_id: _session, approval_id: _approval, ...fields } = params;
  const asker = { client: from, id, isAnswered: false, trace };
  answerApproval(kernel, approval, { approve, resolution: approve ? 'approve' : 'deny', asker, fields });
  return LATER;
};
