import type { AnyActorRef } from 'xstate';
import { type ApprovalAsker, type ApprovalEvent, approvalMachine } from '../../machines/approval.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import { attempt } from '../kernel/attempt.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Client } from '../kernel/client.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { type Answer, reply } from '../requests/reply.ts';
import { Approval, type ApprovalOutcome, type ApprovalSpec } from './approval-record.ts';
import { APPROVALS, announceApproval, approvalsOf } from './approvals.ts';

type EventOf<T extends ApprovalEvent['type']> = Extract<ApprovalEvent, { type: T }>;
interface Args {
  context: { approval: unknown };
  event: ApprovalEvent;
  self: AnyActorRef;
}

/** Whether the agent says that its approval is resolved. */
function isResolved(event: ApprovalEvent): boolean {
  if (event.type !== 'call.answered' || !('result' in event.answer)) return false;
  return (event.answer.result as { resolved?: unknown } | null)?.resolved === true;
}

/** The approval chart with its effects: one logic for all approvals of a broker. */
export function approvalLogic(state: Kernel) {
  const approvalOf = (args: Pick<Args, 'context'>) => args.context.approval as Approval;
  const eventOf = <T extends ApprovalEvent['type']>(args: Args, _type: T) => args.event as EventOf<T>;
  const answerAsker = (approval: Approval, answer: Answer) => replyOnce(state, approval.taken?.asker, answer);

  const machine = approvalMachine.provide({
    guards: {
      isResolvedToApprove: (args) => isResolved(args.event) && approvalOf(args).taken?.approve === true,
      isResolvedToDeny: (args) => isResolved(args.event) && approvalOf(args).taken?.approve === false,
    },
    actions: {
      announce: (args) => {
        announceApproval(state, 'approval.requested', approvalOf(args));
      },
      armTimeout: (args) => {
        const approval = approvalOf(args);
        const { timeoutMs } = approval.spec;
        if (timeoutMs === undefined) return;
        approval.deadline = state.deadlines.arm(timeoutMs, () => args.self.send({ type: 'approval.expire' }));
      },
      disarmTimeout: (args) => disarm(state, approvalOf(args)),
      noteAnswer: (args) => {
        const approval = approvalOf(args);
        const answer = args.event.type === 'approval.answer' ? args.event : approval.taken;
        approval.resolution = answer?.resolution;
        approval.resolvedAt = state.clock.now();
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
        replyOnce(state, asker, { result: approval.rowFor(asker.client as Client) });
      },
      askAgent: (args) => {
        const approval = approvalOf(args);
        const { approve, resolution, asker, fields } = eventOf(args, 'approval.answer');
        const { chat } = approval.spec;
        if (!chat) return;
        const { turn, approvalId } = chat;
        const callId = state.nextCallId();
        approval.taken = { approve, resolution, asker, viaChat: fields !== undefined, callId };
        approval.deadline = state.deadlines.arm(state.limits.approveTimeoutMs, () =>
          args.self.send({ type: 'approve.expired' }),
        );
        turn.agent.calls.set(callId, { replyTo: args.self });
        const params = { decision: approve, ...fields, session_id: turn.sessionId, approval_id: approvalId };
        tell(args.self, turn.agent.ref, { type: 'rpc.call', id: callId, method: 'agent.chat.approve', params });
      },
      forgetCall: (args) => {
        const approval = approvalOf(args);
        disarm(state, approval);
        if (approval.taken) approval.spec.chat?.turn.agent.calls.delete(approval.taken.callId);
      },
      refuseAsTaken: (args) => {
        const { asker } = eventOf(args, 'approval.answer');
        const decision = approvalOf(args).taken?.approve ? 'approve' : 'deny';
        replyOnce(state, asker, { error: WireError.approvalTaken(decision) });
      },
      relayAnswer: (args) => {
        const approval = approvalOf(args);
        const { answer } = eventOf(args, 'call.answered');
        if ('error' in answer) return answerAsker(approval, { error: WireError.agentRejected(answer.error) });
        const resolved = isResolved(args.event);
        if (approval.taken?.viaChat) {
          return answerAsker(approval, { result: { resolved, session_id: approval.spec.chat?.turn.sessionId } });
        }
        answerAsker(approval, { result: approval.rowFor(approval.taken?.asker.client as Client) });
      },
      refuseAsSilent: (args) =>
        answerAsker(approvalOf(args), { error: WireError.deadlineExceeded('the agent did not answer') }),
      refuseAsWithdrawn: (args) => answerAsker(approvalOf(args), { error: WireError.approvalNotPending('withdrawn') }),
      publish: (args, { status }) => {
        const approval = approvalOf(args);
        approval.status = status;
        approval.resolvedAt ??= state.clock.now();
        state.counters.approval(status, approval.resolvedAt - approval.createdAt);
        announceApproval(state, 'approval.resolved', approval);
        settle(state, approval, status);
      },
    },
  });
  return withFastPath(machine, {});
}

/** A deadline holds on to the actor, and the approval is remembered for longer. */
function disarm(state: Kernel, approval: Approval): void {
  state.deadlines.disarm(approval.deadline);
  approval.deadline = undefined;
}

/** Answers whoever has answered an approval. Whatever else still happens, that was it. */
function replyOnce(state: Kernel, asker: ApprovalAsker | undefined, answer: Answer): void {
  if (!asker || asker.isAnswered) return;
  asker.isAnswered = true;
  reply(state, asker.client as Client, asker.id, answer);
}

/** Tells whoever waits for an approval how it ended. Last of all: one that broke before is found, and told by burial. */
function settle(state: Kernel, approval: Approval, outcome: ApprovalOutcome): void {
  const { raiser, onSettled } = approval.spec;
  approvalsOf(raiser).delete(approval);
  state.get(APPROVALS).settle(approval);
  approval.release();
  onSettled(outcome);
}

/** Raises an approval: from here on it is listed, and somebody is asked. */
export function raiseApproval(state: Kernel, spec: ApprovalSpec): Approval {
  const approval = new Approval(state.clock.now(), spec);
  startApproval(state, approval);
  return approval;
}

/** What an approval is to the broker's actor. */
export const APPROVAL = key<ChildKind<Approval>>('approval');

/** See {@link APPROVAL}. */
export const approvalKind = (state: Kernel): ChildKind<Approval> => ({
  logic: approvalLogic(state),
  ended: () => {},
  failed: (approval) => buryApproval(state, approval),
});

/** Makes and starts the actor of one approval. Listed before, so that it can be buried even if it breaks at once. */
export function startApproval(state: Kernel, approval: Approval): void {
  state.get(APPROVALS).add(approval);
  approvalsOf(approval.spec.raiser).add(approval);
  state.children.start(state.get(APPROVAL), approval.id, approval, { approval });
}

/**
 * Hands somebody's answer to an approval, which then answers them.
 * @throws {WireError} `-32603` where it breaks at that.
 */
export function answerApproval(
  state: Kernel,
  { ref }: Approval,
  answer: Omit<EventOf<'approval.answer'>, 'type'>,
): void {
  if (!ref) throw WireError.approvalNotPending();
  tell(state.ref, ref, { type: 'approval.answer', ...answer });
  if (ref.getSnapshot().status !== 'error' || answer.asker.isAnswered) return;
  answer.asker.isAnswered = true;
  throw WireError.internal();
}

/** Takes an approval back: whoever raised it waits no more. */
export function withdrawApproval(state: Kernel, approval: Approval): void {
  if (approval.ref) tell(state.ref, approval.ref, { type: 'approval.withdraw' });
}

/** An approval's actor failed, a fault of ours: nobody's word will come, and whoever waits for it is told so. */
function buryApproval(state: Kernel, approval: Approval): void {
  const step = (run: () => void) => attempt(state, 'a broken approval', run);
  const { taken, spec } = approval;
  approval.status = 'expired';
  approval.resolvedAt = state.clock.now();
  step(() => disarm(state, approval));
  step(() => taken && spec.chat?.turn.agent.calls.delete(taken.callId));
  step(() => replyOnce(state, taken?.asker, { error: WireError.internal() }));
  step(() => announceApproval(state, 'approval.resolved', approval));
  step(() => settle(state, approval, 'expired'));
}
