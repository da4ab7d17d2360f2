import { setup } from 'xstate';
import type { ApprovalStatus } from '../protocol/approvals.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { TraceContext } from '../protocol/trace.ts';
import type { Answer } from './callback.machine.ts';
import { effects, effectWith } from './effects.ts';

/*
 * One for each decision that waits for a person: a gate's, one that a client asked for, or one that a chat turn waits for.
 * One chart for all three, so that whichever path an answer takes it settles the same thing, once. Section 5 of the wire
 * contract.
 */

/** What the chart's guards need to know of an approval. The actor's own record has more. */
export interface ApprovalFacts {
  readonly id: string;
  /** `chat`: the agent has the last word. */
  readonly kind: 'gate' | 'asked' | 'chat';
  /** While the agent was asked, it has said by itself how this ended. */
  readonly settledMeanwhile: 'approve' | 'deny' | 'timeout' | undefined;
  /** The answer that is on its way to the agent. */
  readonly taken: { readonly approve: boolean } | undefined;
}

/** Who answered, and wants to hear what came of it. */
export interface ApprovalAsker<Client extends object = object> {
  client: Client;
  id: RpcId | undefined;
  /** It has heard; whatever happens then, it hears nothing more. */
  isAnswered: boolean;
  /** What the answer belongs to. */
  trace?: TraceContext | undefined;
}

/** The records that an approval holds and is told of. */
export interface ApprovalRefs {
  approval: ApprovalFacts;
  /** Who answers. */
  client: object;
}

/** Everything that an approval hears. */
export type ApprovalEvent<R extends ApprovalRefs = ApprovalRefs> =
  /** Somebody who may has answered. `fields` is what the agent of a chat turn is sent. */
  | {
      type: 'approval.answer';
      approve: boolean;
      resolution: string;
      asker: ApprovalAsker<R['client']>;
      fields?: object;
    }
  /** The agent of a chat turn says by itself that it is over. */
  | { type: 'approval.settle'; resolution: 'approve' | 'deny' | 'timeout' }
  | { type: 'approval.withdraw' }
  | { type: 'approval.expire' }
  /** The agent's answer to `agent.chat.approve`. */
  | { type: 'call.answered'; id: RpcId; answer: Answer }
  | { type: 'approve.expired' };

/** Whether the agent says that its approval is resolved. */
export function isResolved(event: ApprovalEvent): boolean {
  if (event.type !== 'call.answered' || !('result' in event.answer)) return false;
  return (event.answer.result as { resolved?: unknown } | null)?.resolved === true;
}

/** The chart, over the records of whoever runs it. */
export function createApprovalMachine<R extends ApprovalRefs>() {
  return setup({
    types: {} as {
      context: { approval: R['approval'] };
      input: { approval: R['approval'] };
      events: ApprovalEvent<R>;
    },
    guards: {
      needsAgent: ({ context }) => context.approval.kind === 'chat',
      isApproval: ({ event }) =>
        (event.type === 'approval.answer' && event.approve) ||
        (event.type === 'approval.settle' && event.resolution === 'approve'),
      isTimeout: ({ event }) => event.type === 'approval.settle' && event.resolution === 'timeout',
      wasApproved: ({ context }) => context.approval.settledMeanwhile === 'approve',
      wasDenied: ({ context }) => context.approval.settledMeanwhile === 'deny',
      wasTimedOut: ({ context }) => context.approval.settledMeanwhile === 'timeout',
      isResolvedToApprove: ({ context, event }) => isResolved(event) && context.approval.taken?.approve === true,
      isResolvedToDeny: ({ context, event }) => isResolved(event) && context.approval.taken?.approve === false,
    },
    actions: {
      ...effects(
        'announce',
        'armTimeout',
        'disarmTimeout',
        'noteAnswer',
        'confirmAnswer',
        'askAgent',
        'forgetCall',
        'noteSettled',
        'refuseAsTaken',
        'relayAnswer',
        'refuseAsSilent',
        'refuseAsWithdrawn',
      ),
      /** Settles it for everybody: whoever waits, the listing, the subscribers. */
      publish: effectWith<{ status: Exclude<ApprovalStatus, 'pending'> }>(),
    },
  }).createMachine({
    id: 'approval',
    context: ({ input }) => ({ approval: input.approval }),
    initial: 'pending',
    // Announced once, not each time that the agent puts it back.
    entry: ['announce', 'armTimeout'],
    exit: 'disarmTimeout',
    states: {
      pending: {
        description: 'Waits for a person.',
        on: {
          'approval.answer': [
            { guard: 'needsAgent', target: 'taken', actions: 'askAgent' },
            { guard: 'isApproval', target: 'approved', actions: ['noteAnswer', 'confirmAnswer'] },
            { target: 'denied', actions: ['noteAnswer', 'confirmAnswer'] },
          ],
          'approval.settle': [
            { guard: 'isApproval', target: 'approved', actions: 'noteSettled' },
            { guard: 'isTimeout', target: 'expired', actions: 'noteSettled' },
            { target: 'denied', actions: 'noteSettled' },
          ],
          'approval.expire': 'expired',
          'approval.withdraw': 'withdrawn',
        },
      },
      taken: {
        description:
          'The answer is on its way to the agent, which has the last word; nobody else may answer meanwhile.',
        exit: 'forgetCall',
        on: {
          'approval.answer': { actions: 'refuseAsTaken' },
          'approval.settle': { actions: 'noteSettled' },
          'call.answered': [
            { guard: 'isResolvedToApprove', target: 'approved', actions: ['noteAnswer', 'relayAnswer'] },
            { guard: 'isResolvedToDeny', target: 'denied', actions: ['noteAnswer', 'relayAnswer'] },
            { target: 'returned', actions: 'relayAnswer' },
          ],
          'approve.expired': { target: 'returned', actions: 'refuseAsSilent' },
          'approval.withdraw': { target: 'withdrawn', actions: 'refuseAsWithdrawn' },
        },
      },
      returned: {
        description: 'The agent did not take it: it waits again, unless the agent has ended it meanwhile.',
        always: [
          { guard: 'wasApproved', target: 'approved' },
          { guard: 'wasDenied', target: 'denied' },
          { guard: 'wasTimedOut', target: 'expired' },
          { target: 'pending' },
        ],
      },
      approved: { type: 'final', entry: { type: 'publish', params: { status: 'approved' } } },
      denied: { type: 'final', entry: { type: 'publish', params: { status: 'denied' } } },
      expired: { type: 'final', entry: { type: 'publish', params: { status: 'expired' } } },
      withdrawn: { type: 'final', entry: { type: 'publish', params: { status: 'withdrawn' } } },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const approvalMachine = createApprovalMachine<ApprovalRefs>();
