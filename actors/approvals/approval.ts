import type { AnyActorRef } from 'xstate';
import { type ApprovalAsker, createApprovalMachine, isResolved } from '../../machines/approval.machine.ts';
import { withEffects } from '../../machines/effects.ts';
import { WireError } from '../../protocol/errors.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { agentError } from '../kernel/refused-call.ts';
import { metaOf } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import { type Answer, reply } from '../requests/reply.ts';
import {
  Approval,
  type ApprovalHears,
  type ApprovalHolds,
  type ApprovalOutcome,
  type ApprovalSpec,
} from './approval-record.ts';
import { APPROVALS, announceApproval, approvalsOf } from './approvals.ts';
import { noteRaised, noteResolved } from './audited.ts';
import { joinTurn, leaveTurn } from './gated-turn.ts';

type EventOf<T extends ApprovalHears['type']> = Extract<ApprovalHears, { type: T }>;
interface Args {
  context: { approval: Approval };
  event: ApprovalHears;
  self: AnyActorRef;
}

/** The approval chart with its effects: one logic for all approvals of a broker. */
function approvalLogic(kernel: Kernel) {
  const approvalOf = (args: Pick<Args, 'context'>) => args.context.approval;
  const eventOf = <T extends ApprovalHears['type']>(args: Args, _type: T) => args.event as EventOf<T>;
  const answerAsker = (args: Args, answer: Answer) =>
    replyOnce(kernel, approvalOf(args).taken?.asker, answer, args.self);

  const machine = withEffects(createApprovalMachine<ApprovalHolds>(), {
    announce: (args) => {
      const approval = approvalOf(args);
      noteRaised(kernel, approval);
      announceApproval(kernel, 'approval.requested', approval);
      const { gated } = approval.spec;
      if (gated) joinTurn(args.self, gated, approval);
    },
    armTimeout: (args) => {
      const approval = approvalOf(args);
      const { timeoutMs } = approval.spec;
      if (timeoutMs === undefined) return;
      approval.deadline = kernel.deadlines.arm(timeoutMs, () => args.self.send({ type: 'approval.expire' }));
    },
    disarmTimeout: (args) => disarm(kernel, approvalOf(args)),
    noteAnswer: (args) => {
      const approval = approvalOf(args);
      const answer = args.event.type === 'approval.answer' ? args.event : approval.taken;
      approval.resolution = answer?.resolution;
      approval.resolvedAt = kernel.clock.now();
      // Publishing says the same in a moment; whoever answered is shown it before.
      approval.status = answer?.approve ? 'approved' : 'denied';
    },
    noteSettled: (args) => {
      const approval = approvalOf(args);
      const { resolution } = eventOf(args, 'approval.settle');
      approval.settledMeanwhile = resolution;
      approval.resolution = resolution;
    },
    confirmAnswer: (args) => {
      const approval = approvalOf(args);
      const { asker } = eventOf(args, 'approval.answer');
      replyOnce(kernel, asker, { result: approval.rowFor(asker.client) }, args.self);
    },
    askAgent: (args) => {
      const approval = approvalOf(args);
      const { approve, resolution, asker, fields } = eventOf(args, 'approval.answer');
      const { chat } = approval.spec;
      if (!chat) return;
      const { turn, approvalId } = chat;
      const callId = kernel.nextCallId();
      approval.taken = { approve, resolution, asker, viaChat: fields !== undefined, callId };
      approval.deadline = kernel.deadlines.arm(kernel.limits.approveTimeoutMs, () =>
        args.self.send({ type: 'approve.expired' }),
      );
      turn.agent.calls.set(callId, { replyTo: args.self });
      const names = { session_id: turn.sessionKey, approval_id: approvalId };
      const params = { decision: approve, ...fields, ...names, ...metaOf(asker.trace ?? turn.trace) };
      tell(args.self, turn.agent.ref, { type: 'rpc.call', id: callId, method: 'agent.chat.approve', params });
    },
    forgetCall: (args) => {
      const approval = approvalOf(args);
      disarm(kernel, approval);
      if (approval.taken) approval.spec.chat?.turn.agent.calls.delete(approval.taken.callId);
    },
    refuseAsTaken: (args) => {
      const { asker } = eventOf(args, 'approval.answer');
      const decision = approvalOf(args).taken?.approve ? 'approve' : 'deny';
      replyOnce(kernel, asker, { error: WireError.approvalTaken(decision) }, args.self);
    },
    relayAnswer: (args) => {
      const approval = approvalOf(args);
      const { answer } = eventOf(args, 'call.answered');
      if ('error' in answer) return answerAsker(args, { error: agentError(answer.error) });
      const resolved = isResolved(args.event);
      const { taken, spec } = approval;
      if (taken?.viaChat) return answerAsker(args, { result: { resolved, session_id: spec.chat?.turn.sessionId } });
      if (taken) answerAsker(args, { result: approval.rowFor(taken.asker.client) });
    },
    refuseAsSilent: (args) => answerAsker(args, { error: WireError.deadlineExceeded('the agent did not answer') }),
    refuseAsWithdrawn: (args) => answerAsker(args, { error: WireError.approvalNotPending('withdrawn') }),
    publish: (args, { status }) => {
      const approval = approvalOf(args);
      approval.status = status;
      approval.resolvedAt ??= kernel.clock.now();
      kernel.counters.approval(status, approval.resolvedAt - approval.createdAt);
      noteResolved(kernel, approval, args.event);
      announceApproval(kernel, 'approval.resolved', approval);
      settle(kernel, approval, status, args.self);
    },
  });
  return withFastPath(machine, {}, {});
}

/** A deadline holds on to the actor, and the approval is remembered for longer. */
function disarm(kernel: Kernel, approval: Approval): void {
  kernel.deadlines.disarm(approval.deadline);
  approval.deadline = undefined;
}

/** Answers whoever has answered an approval. Whatever else still happens, that was it. */
function replyOnce(
  kernel: Kernel,
  asker: ApprovalAsker<Client> | undefined,
  answer: Answer,
  source: AnyActorRef,
): void {
  if (!asker || asker.isAnswered) return;
  asker.isAnswered = true;
  reply(kernel, asker.client, asker.id, answer, source);
}

/** Tells whoever waits for an approval how it ended. Last of all: one that broke before is found, and told by burial. */
function settle(kernel: Kernel, approval: Approval, outcome: ApprovalOutcome, source: AnyActorRef): void {
  const { raiser, gated, onSettled } = approval.spec;
  approvalsOf(raiser).delete(approval);
  kernel.get(APPROVALS).settle(approval);
  approval.release();
  if (gated) leaveTurn(source, gated, approval, outcome, kernel.clock.now());
  onSettled(outcome, source);
}

/** Raises an approval: from here on it is listed, and somebody is asked. */
export function raiseApproval(kernel: Kernel, spec: ApprovalSpec): Approval {
  const approval = new Approval(kernel, spec);
  startApproval(kernel, approval);
  return approval;
}

/** What an approval is to the broker's actor. */
export const APPROVAL = key<ChildKind<Approval>>('approval');

/** See {@link APPROVAL}. */
export const approvalKind = (kernel: Kernel): ChildKind<Approval> => ({
  logic: approvalLogic(kernel),
  ended: () => {},
  failed: (approval) => buryApproval(kernel, approval),
});

/** Makes and starts the actor of one approval. Listed before, so that it can be buried even if it breaks at once. */
export function startApproval(kernel: Kernel, approval: Approval): void {
  kernel.get(APPROVALS).add(approval);
  approvalsOf(approval.spec.raiser).add(approval);
  kernel.children.start(kernel.get(APPROVAL), approval.id, approval, { approval });
}

/**
 * Hands somebody's answer to an approval, which then answers them.
 * @throws {WireError} `-32011` where its agent is away; `-32603` where it breaks at that.
 */
export function answerApproval(
  kernel: Kernel,
  approval: Approval,
  answer: Omit<EventOf<'approval.answer'>, 'type'>,
): void {
  const { ref } = approval;
  if (!ref) throw WireError.approvalNotPending();
  const { chat } = approval.spec;
  // It is asked when it is back, by whoever then answers.
  if (chat && !chat.turn.speaker) throw WireError.agentNotAttached(chat.turn.agentId);
  tell(kernel.ref, ref, { type: 'approval.answer', ...answer });
  if (ref.getSnapshot().status !== 'error' || answer.asker.isAnswered) return;
  answer.asker.isAnswered = true;
  throw WireError.internal();
}

/** Takes an approval back: whoever raised it waits no more. `source`: the actor that does. */
export function withdrawApproval(kernel: Kernel, approval: Approval, source: AnyActorRef = kernel.ref): void {
  if (approval.ref) tell(source, approval.ref, { type: 'approval.withdraw' });
}

/** An approval's actor failed, a fault of ours: nobody's word will come, and whoever waits for it is told so. */
function buryApproval(kernel: Kernel, approval: Approval): void {
  const step = (run: () => void) => kernel.attempt('a broken approval', run);
  const { taken, spec } = approval;
  approval.status = 'expired';
  approval.resolvedAt = kernel.clock.now();
  step(() => noteResolved(kernel, approval));
  step(() => disarm(kernel, approval));
  step(() => taken && spec.chat?.turn.agent.calls.delete(taken.callId));
  step(() => replyOnce(kernel, taken?.asker, { error: WireError.internal() }, kernel.ref));
  step(() => announceApproval(kernel, 'approval.resolved', approval));
  step(() => settle(kernel, approval, 'expired', kernel.ref));
}
