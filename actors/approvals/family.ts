import { approvalMachine } from '../../machines/approval.machine.ts';
import type { Client } from '../kernel/client.ts';
import { type Facts, ids } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { metric, tallies } from '../kernel/metric.ts';
import { DISPATCHER } from '../requests/dispatcher.ts';
import type { Family } from '../requests/family.ts';
import { APPROVAL, approvalKind, withdrawApproval } from './approval.ts';
import type { Approval } from './approval-record.ts';
import { APPROVALS, Approvals, approvalsOf } from './approvals.ts';
import { type ApprovalPolicy, GATE, Gate } from './gate.ts';
import { approvalMethods } from './methods.ts';

/** Approvals, and the gate (`wire.md` section 5). */
export const approvals: Family<{ approvals?: ApprovalPolicy | undefined }> = {
  name: 'approvals',
  charts: [
    {
      machine: approvalMachine,
      facts: ({ approval }, kernel) => factsOf(approval, kernel),
      turnOf: ({ approval }: { approval: Approval }) => approval.spec.chat?.turn ?? approval.spec.gated,
    },
  ],
  install(kernel, { approvals: policy = {} }) {
    const book = kernel.put(APPROVALS, new Approvals(kernel.limits));
    kernel.put(APPROVAL, approvalKind(kernel));
    kernel.get(DISPATCHER).gate = kernel.put(GATE, new Gate(policy, kernel.limits.approvalTimeoutMs));
    return {
      methods: approvalMethods,
      metrics: [
        metric('gauge', 'approvals_pending', 'Approvals that wait for an answer.', () => book.pendingCount),
        ...tallies('approvals', 'Approvals ended since the start, by how', () => kernel.counters.approvals),
      ],
      connectionEnded(client) {
        for (const approval of [...approvalsOf(client)].filter((one) => endsWith(client, one)))
          withdrawApproval(kernel, approval);
      },
      clientFacts: (client) => ({ approvals: ids(approvalsOf(client), approvalsOf(client).size) }),
      brokerFacts: () => ({ approvals_pending: book.pendingCount }),
    };
  },
};

/**
 * Whether this connection's end is an approval's. A turn that waits for its agent's return keeps its own. One that is over
 * has had its own withdrawn, but for those whose answer was still to come: from here.
 */
function endsWith(client: Client, { kind, spec }: Approval): boolean {
  return kind !== 'chat' || spec.chat?.turn.speaker === client;
}

function factsOf(approval: Approval, kernel: Kernel): Facts {
  const { action, agentId, details, hidden, options } = approval.subject;
  const fields = {
    kind: approval.kind,
    action,
    agent_id: agentId,
    status: approval.status,
    resolution: approval.resolution,
    is_taken: approval.taken !== undefined,
    options,
    details: { ...details, ...hidden },
  };
  return { label: action, startedAt: kernel.wall.of(approval.createdAt), fields };
}
