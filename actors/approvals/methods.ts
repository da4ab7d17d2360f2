import { WireError } from '../../protocol/errors.ts';
import { JsonText } from '../kernel/json-text.ts';
import { sees } from '../kernel/sight.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { Fitting, jsonArray } from '../requests/fitting.ts';
import { checkSize } from '../requests/payload-size.ts';
import { reply } from '../requests/reply.ts';
import { answerApproval, raiseApproval } from './approval.ts';
import type { Approval } from './approval-record.ts';
import { APPROVALS, checkApprovalRoom } from './approvals.ts';

/** `host.request_approval` (`wire.md` section 5). An agent asks in its own name, whatever it writes. */
const requestApproval: Handler<'host.request_approval'> = ({ kernel, from, params, trace }) => {
  checkApprovalRoom(kernel, from, checkSize(kernel, params.details));
  const approval = raiseApproval(kernel, {
    kind: 'asked',
    raiser: from,
    agentId: from.agentId ?? params.agent_id ?? null,
    action: params.action,
    details: params.details ?? {},
    options: params.options,
    trace,
    onSettled: () => {},
  });
  return approval.rowFor(from);
};

/** `host.resolve_approval` (`wire.md` section 5). The first valid answer decides. */
const resolveApproval: Handler<'host.resolve_approval'> = ({ kernel, from, id, params, trace }) => {
  if (from.role === 'agent') throw WireError.forbidden('approval');
  const approvals = kernel.get(APPROVALS);
  // Another principal's answers as one that there never was.
  const visible = (row: Approval | undefined) =>
    row && sees(from, row.owner, row.subject.agentId ?? undefined) ? row : undefined;
  const approval = visible(approvals.pending(params.approval_id));
  if (!approval?.ref) throw WireError.approvalNotPending(visible(approvals.resolved(params.approval_id))?.status);
  if (!approval.mayBeResolvedBy(from)) throw WireError.forbidden('approval');
  const { resolution } = params;
  const asker = { client: from, id, isAnswered: false, trace };
  answerApproval(kernel, approval, { approve: resolution === 'approve', resolution, asker });
  return LATER;
};

/** `host.approvals` (`wire.md` section 4). */
const listApprovals: Handler<'host.approvals'> = ({ kernel, from, id }) => {
  const fitting = new Fitting();
  const pending = fitting.first(kernel.get(APPROVALS).pendingFor(from)).reverse();
  const [resolved = []] = fitting.newest(kernel.get(APPROVALS).resolvedFor(from));
  const approvals = jsonArray([...resolved, ...pending]);
  reply(kernel, from, id, { result: new JsonText(`{"approvals":${approvals}${fitting.mark}}`) });
  return LATER;
};

/** What approvals answer. */
export const approvalMethods: Handlers = {
  'host.approvals': listApprovals,
  'host.request_approval': requestApproval,
  'host.resolve_approval': resolveApproval,
};
