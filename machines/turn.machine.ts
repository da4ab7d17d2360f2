import { and, setup, stateIn } from 'xstate';
import type { CancelReason } from '../protocol/chat.ts';
import type { CheckedEvent } from '../protocol/events.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { Answer, CallbackFacts } from './callback.machine.ts';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';

/*
 * One for each `agents.chat`, until its terminal. Lives under the broker, not under either connection. Exactly one of its
 * finals is reached, and on the way into it the other side is told. Section 6 of the wire contract.
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

/** The records that a turn holds and is told of. */
export interface TurnRefs {
  turn: TurnFacts;
  /** Who asked for something. */
  client: object;
  /** One tool call. */
  callback: CallbackFacts;
  /** Who comes (back), and what of the log they want. */
  subscription: object;
}

/** Everything that a turn hears. */
export type TurnEvent<R extends TurnRefs = TurnRefs> =
  /** An event of the agent that changes nothing but the count: no chart step (law 2). `bytes` is its size on the wire. */
  | { type: 'chat.event'; params: CheckedEvent; bytes: number }
  | { type: 'turn.terminal'; params: CheckedEvent; bytes: number }
  | { type: 'approval.pending'; params: CheckedEvent; bytes: number }
  | { type: 'approval.resolved'; params: CheckedEvent; bytes: number }
  | { type: 'call.answered'; id: RpcId; answer: Answer }
  | { type: 'ack.expired' }
  /** `confirm`: the cancel request to answer before the terminal. `graceMs`: how long the agent has for its own. */
  | { type: 'turn.cancel'; reason: CancelReason; graceMs: number; confirm?: { to: R['client']; id: RpcId | undefined } }
  | { type: 'grace.expired' }
  | { type: 'turn.stale' }
  | { type: 'host.gone' }
  /** Somebody comes (back) to be its host. */
  | { type: 'host.joined'; subscription: R['subscription'] }
  /** Somebody comes to watch. */
  | { type: 'observer.joined'; subscription: R['subscription'] }
  /** Nobody came back in time. */
  | { type: 'window.expired' }
  | { type: 'agent.gone'; code: 'agent_disconnected' | 'agent_replaced' }
  | { type: 'turn.drain' }
  /** The agent wants a tool of the host. */
  | { type: 'tool.requested'; callback: R['callback'] }
  /** The approval was settled on some path; the agent need not say so again. */
  | { type: 'approval.settled'; approvalId: string }
  | { type: 'child.done'; id: string }
  | { type: 'child.failed'; id: string; error: unknown };

/** What became of a turn, for the broker that buries it. */
export interface TurnOutput {
  turnId: string;
}

/** What overtakes the ack waits for it, up to a bound. */
const early = [
  { guard: 'isHoldable', actions: 'hold' },
  { target: 'refused', actions: ['endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
] as const;

/** The chart, over the records of whoever runs it. */
export function createTurnMachine<R extends TurnRefs>() {
  return setup({
    types: {} as {
      context: { turn: R['turn'] };
      input: { turn: R['turn'] };
      events: TurnEvent<R>;
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
      hasLog: ({ context }) => context.turn.hasLog,
      // Its end is under way: no window is needed, and the log has it.
      mayEndAlone: and([stateIn({ live: { work: 'cancelling' } }), 'hasLog']),
      mayDetach: ({ context }) => context.turn.mayDetach,
      hasGrace: ({ event }) => event.type === 'turn.cancel' && event.graceMs > 0,
    },
    actions: effects(
      'callAgent',
      'disarmAck',
      'hold',
      'acceptChat',
      'releaseHeld',
      'refuseAsRejected',
      'refuseAsSilent',
      'refuseAsOverflowing',
      'refuseAsDetached',
      'refuseAsDraining',
      'relay',
      'noteApproval',
      'dropApproval',
      'settleApproval',
      'forgetApproval',
      'holdCallback',
      'startCallback',
      'refuseCallback',
      'forgetCallback',
      'buryCallback',
      'endChildren',
      'endCallbacks',
      'releaseHost',
      'admitHost',
      'admitObserver',
      'armWindow',
      'disarmWindow',
      'confirmCancel',
      'cancelAgent',
      'cancelAgentAsStale',
      'cancelAgentAsDraining',
      'cancelAgentAsAbandoned',
      'cancelAgentAsOverflowing',
      'cancelReplacedAgent',
      'failAsStale',
      'failAsDraining',
      'failAsAgentGone',
      'tellCancelled',
      'tellAbandoned',
      'armGrace',
      'disarmGrace',
    ),
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
            { guard: 'isAcceptance', target: 'live', actions: ['acceptChat', 'releaseHeld'] },
            { target: 'refused', actions: ['endChildren', 'refuseAsRejected'] },
          ],
          'chat.event': early,
          'turn.terminal': early,
          'approval.pending': early,
          'approval.resolved': early,
          'tool.requested': { actions: 'holdCallback' },
          'ack.expired': { target: 'refused', actions: ['endChildren', 'refuseAsSilent'] },
          'turn.cancel': [
            {
              guard: 'hasGrace',
              target: 'live.work.cancelling',
              actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'releaseHeld', 'armGrace'],
            },
            { target: 'cancelled', actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren'] },
          ],
          'turn.drain': { target: 'refused', actions: ['endChildren', 'refuseAsDraining', 'cancelAgentAsDraining'] },
          'host.gone': { target: 'abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
          'agent.gone': { target: 'refused', actions: ['endChildren', 'cancelReplacedAgent', 'refuseAsDetached'] },
        },
      },
      live: {
        type: 'parallel',
        description: 'The agent has accepted. What it streams is counted, stamped and sent to whoever hears the turn.',
        // Among what overtook the ack may have been its end.
        always: [
          { guard: 'hasHeldError', target: 'failed' },
          { guard: 'hasHeldTerminal', target: 'done' },
        ],
        on: {
          'chat.event': { actions: 'relay' },
          'observer.joined': { actions: 'admitObserver' },
          'tool.requested': { actions: 'startCallback' },
          'child.done': { actions: 'forgetCallback' },
          'child.failed': { actions: 'buryCallback' },
          'turn.terminal': [
            { guard: 'isErrorKind', target: 'failed', actions: ['endChildren', 'relay'] },
            { target: 'done', actions: ['endChildren', 'relay'] },
          ],
          'turn.drain': { target: 'failed', actions: ['endChildren', 'cancelAgentAsDraining', 'failAsDraining'] },
          'agent.gone': { target: 'failed', actions: ['endChildren', 'cancelReplacedAgent', 'failAsAgentGone'] },
        },
        states: {
          host: {
            initial: 'here',
            states: {
              here: {
                on: {
                  // The one that there was is relieved.
                  'host.joined': { actions: 'admitHost' },
                  'host.gone': [
                    { guard: 'mayEndAlone', target: 'gone', actions: 'releaseHost' },
                    { guard: 'mayDetach', target: 'away', actions: ['endCallbacks', 'releaseHost'] },
                    { target: '#turn.abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
                  ],
                },
              },
              away: {
                description: 'For a while it may come back.',
                entry: 'armWindow',
                exit: 'disarmWindow',
                on: {
                  'host.joined': { target: 'here', actions: 'admitHost' },
                  'turn.cancel': { guard: 'hasGrace', target: 'gone' },
                  'window.expired': { target: '#turn.abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
                },
              },
              gone: {
                description: 'The turn ends without it.',
                on: { 'host.joined': { target: 'here', actions: 'admitHost' } },
              },
            },
          },
          work: {
            initial: 'accepted',
            on: {
              'turn.cancel': [
                {
                  guard: 'hasGrace',
                  target: '.cancelling',
                  actions: ['confirmCancel', 'cancelAgent', 'endChildren', 'armGrace'],
                },
                { target: '#turn.cancelled', actions: ['confirmCancel', 'cancelAgent', 'endChildren'] },
              ],
            },
            states: {
              accepted: {
                description: 'What overtook the ack is out; a person may have to answer already.',
                always: [{ guard: 'hasHeldApproval', target: 'parked' }, { target: 'streaming' }],
              },
              streaming: {
                on: {
                  'approval.pending': [
                    { guard: 'mayPark', target: 'parked', actions: ['relay', 'noteApproval'] },
                    { actions: 'dropApproval' },
                  ],
                  'approval.resolved': { actions: 'relay' },
                  'turn.stale': {
                    target: '#turn.failed',
                    actions: ['endChildren', 'cancelAgentAsStale', 'failAsStale'],
                  },
                },
              },
              parked: {
                description: 'The agent waits for a person. Silence is not staleness here.',
                on: {
                  'approval.pending': [
                    { guard: 'mayPark', actions: ['relay', 'noteApproval'] },
                    { actions: 'dropApproval' },
                  ],
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
              cancelling: {
                description: 'The host has cancelled; the agent has its grace to end the turn itself.',
                exit: 'disarmGrace',
                on: {
                  'approval.pending': { actions: 'relay' },
                  'approval.resolved': { actions: 'relay' },
                  'tool.requested': { actions: 'refuseCallback' },
                  'turn.cancel': [
                    { guard: 'hasGrace', actions: ['confirmCancel', 'armGrace'] },
                    { target: '#turn.cancelled', actions: 'confirmCancel' },
                  ],
                  'grace.expired': '#turn.cancelled',
                  'turn.drain': '#turn.cancelled',
                },
              },
            },
          },
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
}

/** The chart alone: to be drawn, and walked. */
export const turnMachine = createTurnMachine<TurnRefs>();

/** Law 2: see {@link HotEvents}. */
export const turnHotEvents = { 'chat.event': ['live'] } as const satisfies HotEvents<TurnEvent['type']>;
