import { WireError } from '../../protocol/errors.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { checkSize } from '../requests/payload-size.ts';
import { answerApproval, raiseApproval } from './approval.ts';
import { APPROVALS, checkApprovalRoom } from './approvals.ts';

/** `host.request_approval` (`wire.md` section 5). An agent asks in its own name, whatever it writes. */
const requestApproval: Handler<'host.request_approval'> = ({ state, from, params }) => {
  checkApprovalRoom(state, from, checkSize(state, params.details));
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
const resolveApproval: Handler<'host.resolve_approval'> = ({ state, from, id, params }) => {
  if (from.role === 'agent') throw WireError.forbidden('approval');
  const approval = state.get(APPROVALS).pending(params.approval_id);
  if (!approval?.ref) throw WireError.approvalNotPending(state.get(APPROVALS).resolved(params.approval_id)?.status);
  if (!approval.mayBeResolvedBy(from)) throw WireError.forbidden('approval');
  const { resolution } = params;
  const asker = { client: from, id, isAnswered: false };
  answerApproval(state, approval, { approve: resolution === 'approve', resolution, asker });
  return LATER;
};

/** `host.approvals` (`wire.md` section 4). */
const listApprovals: Handler<'host.approvals'> = ({ state, from }) => ({
  approvals: state.get(APPROVALS).rowsFor(from),
});

/** What approvals answer. */
export const approvalMethods: Handlers = {
  'host.approvals': listApprovals,
  'host.request_approval': requestApproval,
  'host.resolve_approval': resolveApproval,
};
