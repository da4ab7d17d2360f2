import { setup } from 'xstate';
import type { CancelReason } from '../protocol/chat.ts';
import type { CheckedEvent } from '../protocol/events.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { Answer, CallbackFacts } from './callback.machine.ts';

/*
 * One `agents.chat` until its terminal. Lives under the broker, not under either connection. Exactly one
 * of its finals is reached, and on the way into it the other side is told. Section 6 of the wire contract.
 */

/** What the chart's guards need to know of a turn. The actor's own record has more. */
export interface TurnFacts {
  readonly id: string;
  readonly sessionId: string;
  readonly agentId: string;
  /** Approvals of the agent that wait for an answer. */
  readonly pendingApprovals: { readonly size: number; has(approvalId: string): boolean };
  readonly maxPendingApprovals: number;
  /** Bytes of events that overtook the ack. */
  readonly heldBytes: number;
  readonly maxHeldBytes: number;
  /** The kind of the terminal that overtook the ack. */
  readonly heldTerminal: string | undefined;
  /** It keeps a log: what follows when its host has gone is not lost. */
  readonly hasLog: boolean;
  /** It may wait for its host to come back. */
  readonly mayDetach: boolean;
}

/** Everything that a turn hears. */
export type TurnEvent =
  /** An event of the agent that changes nothing but the count: no chart step (law 2). `bytes` is its size on the wire. */
  | { type: 'turn.event'; params: CheckedEvent; bytes: number }
  | { type: 'turn.terminal'; params: CheckedEvent; bytes: number }
  | { type: 'approval.pending'; params: CheckedEvent; bytes: number }
  | { type: 'approval.resolved'; params: CheckedEvent; bytes: number }
  | { type: 'call.answered'; id: RpcId; answer: Answer }
  | { type: 'ack.expired' }
  /** `confirm`: the cancel request to answer before the terminal. `graceMs`: how long the agent has for its own. */
  | { type: 'turn.cancel'; reason: CancelReason; graceMs: number; confirm?: { to: object; id: RpcId | undefined } }
  | { type: 'grace.expired' }
  | { type: 'turn.stale' }
  | { type: 'host.gone' }
  /** Somebody comes (back) to be its host. `subscription`: who, and what of the log they want. */
  | { type: 'host.joined'; subscription: object }
  /** Somebody comes to watch. */
  | { type: 'observer.joined'; subscription: object }
  /** Nobody came back in time. */
  | { type: 'window.expired' }
  | { type: 'agent.gone'; code: 'agent_disconnected' | 'agent_replaced' }
  | { type: 'turn.drain' }
  /** The agent wants a tool of the host. */
  | { type: 'tool.requested'; callback: CallbackFacts }
  /** The approval was settled on some path; the agent need not say so again. */
  | { type: 'approval.settled'; approvalId: string }
  | { type: 'child.done'; id: string }
  | { type: 'child.failed'; id: string; error: unknown };

/** What became of a turn, for the broker that buries it. */
export interface TurnOutput {
  turnId: string;
}

/** Ends that are the same wherever an accepted turn stands. */
const endings = {
  'turn.terminal': [
    { guard: 'isErrorKind', target: 'failed', actions: ['endChildren', 'relay'] },
    { target: 'done', actions: ['endChildren', 'relay'] },
  ],
  'turn.cancel': [
    { guard: 'hasGrace', target: 'cancelling', actions: ['confirmCancel', 'cancelAgent', 'endChildren', 'armGrace'] },
    { target: 'cancelled', actions: ['confirmCancel', 'cancelAgent', 'endChildren'] },
  ],
  'turn.drain': { target: 'failed', actions: ['endChildren', 'cancelAgentAsDraining', 'failAsDraining'] },
  'agent.gone': { target: 'failed', actions: ['endChildren', 'cancelReplacedAgent', 'failAsAgentGone'] },
} as const;

/** A host that goes leaves its turn behind, where that may be resumed. */
const leaving = {
  'host.gone': [
    { guard: 'mayDetach', target: 'detached', actions: ['endCallbacks', 'releaseHost'] },
    { target: 'abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
  ],
} as const;

/** What changes no state wherever an accepted turn runs. */
const running = {
  'turn.event': { actions: 'relay' },
  'tool.requested': { actions: 'startCallback' },
  'child.done': { actions: 'forgetCallback' },
  'child.failed': { actions: 'buryCallback' },
  // The host that there was, if any, is relieved.
  'host.joined': { actions: 'admitHost' },
  'observer.joined': { actions: 'admitObserver' },
} as const;

export const turnMachine = setup({
  types: {} as {
    context: { turn: TurnFacts };
    input: { turn: TurnFacts };
    events: TurnEvent;
    output: TurnOutput;
  },
  guards: {
    isAcceptance: ({ event }) =>
      event.type === 'call.answered' &&
      'result' in event.answer &&
      (event.answer.result as { accepted?: unknown } | null)?.accepted === true,
    hasHeldError: ({ context }) => context.turn.heldTerminal === 'error',
    hasHeldTerminal: ({ context }) => context.turn.heldTerminal !== undefined,
    hasHeldApproval: ({ context }) => context.turn.pendingApprovals.size > 0,
    // What follows a held terminal is dropped, so it cannot be too much either.
    isHoldable: ({ context: { turn }, event }) =>
      turn.heldTerminal !== undefined || ('bytes' in event && turn.heldBytes + event.bytes <= turn.maxHeldBytes),
    isErrorKind: ({ event }) => event.type === 'turn.terminal' && event.params.kind === 'error',
    mayPark: ({ context }) => context.turn.pendingApprovals.size < context.turn.maxPendingApprovals,
    isLastApproval: ({ context, event }) => {
      const id =
        event.type === 'approval.resolved'
          ? (event.params.approval_id as string)
          : event.type === 'approval.settled' && event.approvalId;
      return id !== false && context.turn.pendingApprovals.size === 1 && context.turn.pendingApprovals.has(id);
    },
    isUnparked: ({ context }) => context.turn.pendingApprovals.size === 0,
    hasLog: ({ context }) => context.turn.hasLog,
    mayDetach: ({ context }) => context.turn.mayDetach,
    hasGrace: ({ event }) => event.type === 'turn.cancel' && event.graceMs > 0,
  },
  actions: {
    callAgent: () => {},
    disarmAck: () => {},
    hold: () => {},
    acceptChat: () => {},
    releaseHeld: () => {},
    refuseAsRejected: () => {},
    refuseAsSilent: () => {},
    refuseAsOverflowing: () => {},
    refuseAsDetached: () => {},
    refuseAsDraining: () => {},
    relay: () => {},
    noteApproval: () => {},
    dropApproval: () => {},
    settleApproval: () => {},
    forgetApproval: () => {},
    holdCallback: () => {},
    startCallback: () => {},
    refuseCallback: () => {},
    forgetCallback: () => {},
    buryCallback: () => {},
    endChildren: () => {},
    endCallbacks: () => {},
    releaseHost: () => {},
    admitHost: () => {},
    admitObserver: () => {},
    armWindow: () => {},
    disarmWindow: () => {},
    confirmCancel: () => {},
    cancelAgent: () => {},
    cancelAgentAsStale: () => {},
    cancelAgentAsDraining: () => {},
    cancelAgentAsAbandoned: () => {},
    cancelAgentAsOverflowing: () => {},
    cancelReplacedAgent: () => {},
    failAsStale: () => {},
    failAsDraining: () => {},
    failAsAgentGone: () => {},
    tellCancelled: () => {},
    tellAbandoned: () => {},
    armGrace: () => {},
    disarmGrace: () => {},
  },
}).createMachine({
  id: 'turn',
  context: ({ input }) => ({ turn: input.turn }),
  output: ({ context }) => ({ turnId: context.turn.id }),
  initial: 'dispatching',
  states: {
    dispatching: {
      description: 'The agent was asked and has five seconds to accept. What it streams meanwhile waits.',
      entry: 'callAgent',
      exit: 'disarmAck',
      on: {
        'call.answered': [
          { guard: 'isAcceptance', target: 'accepted', actions: ['acceptChat', 'releaseHeld'] },
          { target: 'refused', actions: ['endChildren', 'refuseAsRejected'] },
        ],
        'turn.event': [
          { guard: 'isHoldable', actions: 'hold' },
          { target: 'refused', actions: ['endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'turn.terminal': [
          { guard: 'isHoldable', actions: 'hold' },
          { target: 'refused', actions: ['endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'approval.pending': [
          { guard: 'isHoldable', actions: 'hold' },
          { target: 'refused', actions: ['endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'approval.resolved': [
          { guard: 'isHoldable', actions: 'hold' },
          { target: 'refused', actions: ['endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'tool.requested': { actions: 'holdCallback' },
        'ack.expired': { target: 'refused', actions: ['endChildren', 'refuseAsSilent'] },
        'turn.cancel': [
          {
            guard: 'hasGrace',
            target: 'cancelling',
            actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'releaseHeld', 'armGrace'],
          },
          { target: 'cancelled', actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren'] },
        ],
        'turn.drain': { target: 'refused', actions: ['endChildren', 'refuseAsDraining', 'cancelAgentAsDraining'] },
        'host.gone': { target: 'abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
        'agent.gone': { target: 'refused', actions: ['endChildren', 'cancelReplacedAgent', 'refuseAsDetached'] },
      },
    },
    accepted: {
      description: 'What overtook the ack is out; where does that leave the turn?',
      always: [
        { guard: 'hasHeldError', target: 'failed' },
        { guard: 'hasHeldTerminal', target: 'done' },
        { guard: 'hasHeldApproval', target: 'parked' },
        { target: 'streaming' },
      ],
    },
    streaming: {
      description: 'Each event of the agent is counted, stamped and sent to the host that opened the turn.',
      on: {
        ...endings,
        ...leaving,
        ...running,
        'turn.stale': { target: 'failed', actions: ['endChildren', 'cancelAgentAsStale', 'failAsStale'] },
        'approval.pending': [
          { guard: 'mayPark', target: 'parked', actions: ['relay', 'noteApproval'] },
          { actions: 'dropApproval' },
        ],
        'approval.resolved': { actions: 'relay' },
      },
    },
    parked: {
      description: 'The agent waits for a person. Silence is not staleness here.',
      on: {
        ...endings,
        ...leaving,
        ...running,
        'approval.pending': [{ guard: 'mayPark', actions: ['relay', 'noteApproval'] }, { actions: 'dropApproval' }],
        'approval.resolved': [
          { guard: 'isLastApproval', target: 'streaming', actions: ['relay', 'settleApproval'] },
          { actions: ['relay', 'settleApproval'] },
        ],
        // Settled by somebody else than the agent, which may still say so, or not.
        'approval.settled': [
          { guard: 'isLastApproval', target: 'streaming', actions: 'forgetApproval' },
          { actions: 'forgetApproval' },
        ],
      },
    },
    detached: {
      description: 'The host has gone; for a while it may come back. What the agent streams meanwhile is logged.',
      entry: 'armWindow',
      exit: 'disarmWindow',
      on: {
        ...endings,
        'turn.event': { actions: 'relay' },
        'child.done': { actions: 'forgetCallback' },
        'child.failed': { actions: 'buryCallback' },
        'approval.pending': [{ guard: 'mayPark', actions: ['relay', 'noteApproval'] }, { actions: 'dropApproval' }],
        'approval.resolved': { actions: ['relay', 'settleApproval'] },
        'approval.settled': { actions: 'forgetApproval' },
        'turn.stale': {
          guard: 'isUnparked',
          target: 'failed',
          actions: ['endChildren', 'cancelAgentAsStale', 'failAsStale'],
        },
        'host.joined': [
          { guard: 'isUnparked', target: 'streaming', actions: 'admitHost' },
          { target: 'parked', actions: 'admitHost' },
        ],
        'observer.joined': { actions: 'admitObserver' },
        'window.expired': { target: 'abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
      },
    },
    cancelling: {
      description: 'The host has cancelled; the agent has its grace to end the turn itself.',
      exit: 'disarmGrace',
      always: [
        { guard: 'hasHeldError', target: 'failed' },
        { guard: 'hasHeldTerminal', target: 'done' },
      ],
      on: {
        'turn.event': { actions: 'relay' },
        'approval.pending': { actions: 'relay' },
        'approval.resolved': { actions: 'relay' },
        'tool.requested': { actions: 'refuseCallback' },
        'turn.terminal': [
          { guard: 'isErrorKind', target: 'failed', actions: 'relay' },
          { target: 'done', actions: 'relay' },
        ],
        'grace.expired': { target: 'cancelled' },
        'turn.cancel': [
          { guard: 'hasGrace', actions: ['confirmCancel', 'armGrace'] },
          { target: 'cancelled', actions: 'confirmCancel' },
        ],
        'turn.drain': { target: 'cancelled' },
        // Its end is under way: no window is needed, and the log has it.
        'host.gone': [{ guard: 'hasLog', actions: 'releaseHost' }, { target: 'abandoned' }],
        'host.joined': { actions: 'admitHost' },
        'observer.joined': { actions: 'admitObserver' },
        'agent.gone': { target: 'failed', actions: 'failAsAgentGone' },
      },
    },
    done: { type: 'final', description: 'The agent ended the turn.' },
    failed: { type: 'final', description: 'Ended by an error: the agent’s own, or one that the broker had to say.' },
    cancelled: {
      type: 'final',
      entry: 'tellCancelled',
      description: 'The host has its terminal, the agent its cancel.',
    },
    abandoned: { type: 'final', entry: 'tellAbandoned', description: 'No host was left; the agent was told.' },
    refused: { type: 'final', description: 'Never accepted: the host’s request has its error, and nothing is left.' },
  },
});
