import { approves } from '../../protocol/approvals.ts';
import { WireError } from '../../protocol/errors.ts';
import { type Handler, LATER } from '../requests/dispatcher.ts';
import { checkApprovalRoom, checkSize } from '../requests/payload-size.ts';
import { findOwnTurn } from '../turns/methods.ts';
import { answerApproval, raiseApproval } from './approval.ts';

/** `host.request_approval` (`wire.md` section 5). An agent asks in its own name, whatever it writes. */
export const requestApproval: Handler<'host.request_approval'> = ({ state, from, params }) => {
  checkApprovalRoom(state, from.approvals.size, checkSize(state, params.details));
  const approval = raiseApproval(state, {
    kind: 'asked',
    raiser: from,
    agentId: from.agentId ?? params.agent_id ?? null,
    action: params.action,
    details: params.details ?? {},
    options: params.options,
    onSettled: () => {},
  });
  return approval.rowFor(from);
};

/** `host.resolve_approval` (`wire.md` section 5). The first valid answer decides. */
export const resolveApproval: Handler<'host.resolve_approval'> = ({ state, from, id, params }) => {
  if (from.role === 'agent') throw WireError.forbidden('approval');
  const approval = state.approvals.pending(params.approval_id);
  if (!approval?.ref) throw WireError.approvalNotPending(state.approvals.resolved(params.approval_id)?.status);
  if (!approval.mayBeResolvedBy(from)) throw WireError.forbidden('approval');
  const { resolution } = params;
  const asker = { client: from, id, isAnswered: false };
  answerApproval(state, approval, { approve: resolution === 'approve', resolution, asker });
  return LATER;
};

/** `agents.chat.approve` (`wire.md` section 6): the same approval, by the agent's own id for it. */
export const approveChat: Handler<'agents.chat.approve'> = (call) => {
  const { state, from, id, params } = call;
  if (from.role === 'agent') throw WireError.forbidden('approval');
  const turn = findOwnTurn(call, params.session_id);
  const approval = turn.pendingApprovals.get(params.approval_id);
  if (!approval?.ref) {
    throw WireError.approvalNotPending(state.approvals.resolvedOfTurn(turn.id, params.approval_id)?.status);
  }
  const approve = approves(params.decision);
  const { session_id: _session, approval_id: _approval, ...fields } = params;
  const asker = { client: from, id, isAnswered: false };
  answerApproval(state, approval, { approve, resolution: approve ? 'approve' : 'deny', asker, fields });
  return LATER;
};

/** `host.approvals` (`wire.md` section 4). */
export const listApprovals: Handler<'host.approvals'> = ({ state, from }) => ({
  approvals: state.approvals.rowsFor(from),
});
