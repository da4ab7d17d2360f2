import { setup } from 'xstate';
import type { CancelReason } from '../protocol/chat.ts';
import type { CheckedEvent } from '../protocol/events.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { JsonObject } from '../protocol/json.ts';

/*
 * One `agents.chat` until its terminal. Lives under the broker, not under either connection. Exactly one
 * of its finals is reached, and each final's entry tells the other side. Section 6 of the wire contract.
 */

/** What the chart's guards need to know of a turn. The actor's own record has more. */
export interface TurnFacts {
  readonly id: string;
  readonly sessionId: string;
  readonly agentId: string;
  /** Approvals of the agent that wait for an answer. */
  readonly pendingApprovals: ReadonlySet<string>;
  /** Bytes of events that overtook the ack. */
  readonly heldBytes: number;
  readonly maxHeldBytes: number;
  /** The kind of the terminal that overtook the ack. */
  readonly heldTerminal: string | undefined;
}

/** How the agent answered `agent.chat`. */
export type AgentAnswer = { result: unknown } | { error: JsonObject };

/** Everything that a turn hears. */
export type TurnEvent =
  /** An event of the agent that changes nothing but the count: no chart step (law 2). `bytes` is its size on the wire. */
  | { type: 'turn.event'; params: CheckedEvent; bytes: number }
  | { type: 'turn.terminal'; params: CheckedEvent; bytes: number }
  | { type: 'approval.pending'; params: CheckedEvent; bytes: number }
  | { type: 'approval.resolved'; params: CheckedEvent; bytes: number }
  | { type: 'agent.answered'; id: RpcId; answer: AgentAnswer }
  | { type: 'ack.expired' }
  /** `confirm`: the cancel request to answer before the terminal. `graceMs`: how long the agent has for its own. */
  | { type: 'turn.cancel'; reason: CancelReason; graceMs: number; confirm?: { to: object; id: RpcId | undefined } }
  | { type: 'grace.expired' }
  | { type: 'turn.stale' }
  | { type: 'host.gone' }
  | { type: 'agent.gone'; code: 'agent_disconnected' | 'agent_replaced' }
  | { type: 'turn.drain' };

/** What became of a turn, for the broker that buries it. */
export interface TurnOutput {
  turnId: string;
}

/** Ends that are the same wherever an accepted turn stands. */
const endings = {
  'turn.cancel': [
    { guard: 'hasGrace', target: 'cancelling', actions: ['confirmCancel', 'cancelAgent', 'armGrace'] },
    { target: 'cancelled', actions: ['confirmCancel', 'cancelAgent'] },
  ],
  'turn.stale': { target: 'failed', actions: ['cancelAgentAsStale', 'failAsStale'] },
  'turn.drain': { target: 'failed', actions: ['cancelAgentAsDraining', 'failAsDraining'] },
  'host.gone': { target: 'abandoned', actions: 'cancelAgentAsAbandoned' },
  'agent.gone': { target: 'failed', actions: ['cancelReplacedAgent', 'failAsAgentGone'] },
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
      event.type === 'agent.answered' &&
      'result' in event.answer &&
      (event.answer.result as { accepted?: unknown } | null)?.accepted === true,
    hasHeldError: ({ context }) => context.turn.heldTerminal === 'error',
    hasHeldTerminal: ({ context }) => context.turn.heldTerminal !== undefined,
    hasHeldApproval: ({ context }) => context.turn.pendingApprovals.size > 0,
    // What follows a held terminal is dropped, so it cannot be too much either.
    isHoldable: ({ context: { turn }, event }) =>
      turn.heldTerminal !== undefined || ('bytes' in event && turn.heldBytes + event.bytes <= turn.maxHeldBytes),
    isErrorKind: ({ event }) => event.type === 'turn.terminal' && event.params.kind === 'error',
    isLastApproval: ({ context, event }) =>
      event.type === 'approval.resolved' &&
      context.turn.pendingApprovals.size === 1 &&
      context.turn.pendingApprovals.has(event.params.approval_id as string),
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
    settleApproval: () => {},
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
        'agent.answered': [
          { guard: 'isAcceptance', target: 'accepted', actions: ['acceptChat', 'releaseHeld'] },
          { target: 'refused', actions: 'refuseAsRejected' },
        ],
        'turn.event': [
          { guard: 'isHoldable', actions: 'hold' },
          { target: 'refused', actions: ['refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'turn.terminal': [
          { guard: 'isHoldable', actions: 'hold' },
          { target: 'refused', actions: ['refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'approval.pending': [
          { guard: 'isHoldable', actions: ['hold', 'noteApproval'] },
          { target: 'refused', actions: ['refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'approval.resolved': [
          { guard: 'isHoldable', actions: ['hold', 'settleApproval'] },
          { target: 'refused', actions: ['refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
        ],
        'ack.expired': { target: 'refused', actions: 'refuseAsSilent' },
        'turn.cancel': [
          {
            guard: 'hasGrace',
            target: 'cancelling',
            actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'releaseHeld', 'armGrace'],
          },
          { target: 'cancelled', actions: ['acceptChat', 'confirmCancel', 'cancelAgent'] },
        ],
        'turn.drain': { target: 'refused', actions: ['refuseAsDraining', 'cancelAgentAsDraining'] },
        'host.gone': { target: 'abandoned', actions: 'cancelAgentAsAbandoned' },
        'agent.gone': { target: 'refused', actions: ['cancelReplacedAgent', 'refuseAsDetached'] },
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
        'turn.event': { actions: 'relay' },
        'turn.terminal': [
          { guard: 'isErrorKind', target: 'failed', actions: 'relay' },
          { target: 'done', actions: 'relay' },
        ],
        'approval.pending': { target: 'parked', actions: ['noteApproval', 'relay'] },
        'approval.resolved': { actions: 'relay' },
      },
    },
    parked: {
      description: 'The agent waits for a person. Silence is not staleness here.',
      on: {
        ...endings,
        'turn.event': { actions: 'relay' },
        'turn.terminal': [
          { guard: 'isErrorKind', target: 'failed', actions: 'relay' },
          { target: 'done', actions: 'relay' },
        ],
        'approval.pending': { actions: ['noteApproval', 'relay'] },
        'approval.resolved': [
          { guard: 'isLastApproval', target: 'streaming', actions: ['settleApproval', 'relay'] },
          { actions: ['settleApproval', 'relay'] },
        ],
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
        'host.gone': 'abandoned',
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
    abandoned: { type: 'final', description: 'No host was left; the agent was told.' },
    refused: { type: 'final', description: 'Never accepted: the host’s request has its error, and nothing is left.' },
  },
});
