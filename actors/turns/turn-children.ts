import type { AnyActorRef } from 'xstate';
import type { TurnEvent } from '../../machines/turn-events.ts';
import type { CheckedEvent } from '../../protocol/events.ts';
import { isThere } from '../../protocol/json.ts';
import type { ToolCancelReason } from '../../protocol/tools.ts';
import { startApproval, withdrawApproval } from '../approvals/approval.ts';
import { Approval } from '../approvals/approval-record.ts';
import { boundedDetails } from '../approvals/approvals.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { cancelCallback } from '../tools/callback.ts';
import { refuseWaiting } from './tool-waits.ts';
import type { Turn } from './turn-record.ts';

/** Lists an approval that a turn's agent waits for. The same id again is the same approval. `seq`: of the event. */
export function raiseChatApproval(kernel: Kernel, turn: Turn, event: CheckedEvent, seq = turn.seq): void {
  const approvalId = event.approval_id as string;
  if (turn.isEnding || turn.pendingApprovals.has(approvalId)) return;
  const { tool, action, params, details, deadline } = event;
  const approval: Approval = new Approval(kernel, {
    kind: 'chat',
    raiser: turn.agent,
    agentId: turn.agentId,
    // The event passes whole; the row is for people, and is kept.
    action: shorten((action ?? tool) as string),
    details: {
      source: 'chat',
      session_id: turn.sessionId,
      turn_id: turn.id,
      approval_id: approvalId,
      ...(isThere(tool) ? { tool: shorten(tool as string) } : {}),
      ...(isThere(deadline) ? { deadline } : {}),
    },
    hidden: boundedDetails(kernel, {
      ...(isThere(params) ? { params } : {}),
      ...(isThere(details) ? { details } : {}),
    }),
    chat: { turn, approvalId, seq },
    onSettled: (_outcome, source) => {
      // The agent may have ended this one by itself, and asked for another under the same id.
      if (turn.pendingApprovals.get(approvalId) !== approval) return;
      if (turn.ref) tell(source, turn.ref, { type: 'approval.settled', approvalId });
    },
  });
  turn.pendingApprovals.set(approvalId, approval);
  startApproval(kernel, approval);
}

const shorten = (text: string): string => (text.length > 1024 ? `${text.slice(0, 1024)}…` : text);

/** The agent says how its approval ended. */
export function settleChatApproval(source: AnyActorRef, turn: Turn, event: CheckedEvent): void {
  const approvalId = event.approval_id as string;
  const approval = turn.pendingApprovals.get(approvalId);
  turn.pendingApprovals.delete(approvalId);
  if (!approval?.ref) return;
  tell(source, approval.ref, {
    type: 'approval.settle',
    resolution: event.resolution as 'approve' | 'deny' | 'timeout',
  });
}

/** Ends a turn's tool calls: each one's caller is answered, and its host told. `source`: the actor that ends them. */
export function endCallbacks(kernel: Kernel, source: AnyActorRef, turn: Turn, reason: ToolCancelReason): void {
  for (const callback of [...turn.callbacks.values()]) cancelCallback(kernel, callback, reason, source);
  turn.callbacks.clear();
}

/** Ends whatever a turn still waits for: its tool calls, and each approval is withdrawn. */
export function endChildren(kernel: Kernel, source: AnyActorRef, turn: Turn, reason: ToolCancelReason): void {
  turn.isEnding = true;
  refuseWaiting(source, turn, reason);
  endCallbacks(kernel, source, turn, reason);
  for (const approval of [...turn.pendingApprovals.values()]) withdrawApproval(kernel, approval, source);
  turn.pendingApprovals.clear();
  for (const approval of [...turn.gates]) withdrawApproval(kernel, approval, source);
}

/** Why a turn's tool calls end, of what ends the turn. */
export function endReason(event: TurnEvent): ToolCancelReason {
  switch (event.type) {
    case 'host.gone':
      return 'host_disconnected';
    case 'agent.gone':
    case 'agent.window.expired':
    case 'turn.moved':
      return 'agent_disconnected';
    case 'turn.drain':
      return 'draining';
    default:
      return 'turn_ended';
  }
}
