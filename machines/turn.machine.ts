import { and, setup, stateIn } from 'xstate';
import { effects } from './effects.ts';
import type { HotEvents } from './hot-events.ts';
import type { TurnEvent, TurnRefs } from './turn-events.ts';
import { unaccepted } from './turn-unaccepted.ts';

/*
 * One for each `agents.chat`, until its terminal. Lives under the broker, not under either connection. Exactly one of its
 * finals is reached, and on the way into it the other side is told. Section 6 of the wire contract.
 */

/** What became of a turn, for the broker that buries it. */
export interface TurnOutput {
  turnId: string;
}

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
      isKept: ({ context }) => context.turn.isKept,
      isKeptAcceptance: and(['isAcceptance', 'isKept']),
      isRestored: ({ context }) => context.turn.isRestored,
      isCancelled: ({ context }) => context.turn.isRestored && context.turn.isCancelled,
      hasHost: ({ context }) => context.turn.hasHost,
      hasAgent: ({ context }) => context.turn.hasAgent,
      hasLog: ({ context }) => context.turn.hasLog,
      isCancelling: stateIn({ live: { work: 'cancelling' } }),
      // Its end is under way: no window is needed, and the log has it.
      mayEndAlone: and([stateIn({ live: { work: 'cancelling' } }), 'hasLog']),
      mayDetach: ({ context }) => context.turn.mayDetach,
      mayReturn: ({ context, event }) => event.type === 'agent.gone' && event.mayReturn && context.turn.resumes,
      hasGrace: ({ event }) => event.type === 'turn.cancel' && event.graceMs > 0,
    },
    actions: effects(
      'callAgent',
      'disarmAck',
      'keepOpening',
      'stopKeeping',
      'hold',
      'acceptChat',
      'releaseHeld',
      'refuseAsRejected',
      'refuseAsSilent',
      'refuseAsOverflowing',
      'refuseAsDetached',
      'refuseAsUnkept',
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
      'leaveBehind',
      'joinAskers',
      'admitHost',
      'admitObserver',
      'armWindow',
      'disarmWindow',
      'releaseAgent',
      'admitAgent',
      'armAgentWindow',
      'disarmAgentWindow',
      'confirmCancel',
      'cancelAgent',
      'cancelAgentAsStale',
      'cancelAgentAsDraining',
      'cancelAgentAsAbandoned',
      'cancelAgentAsOverflowing',
      'cancelReplacedAgent',
      'cancelAgentAsYounger',
      'cancelAgentAsOver',
      'failAsStale',
      'failAsDraining',
      'failAsAgentGone',
      'failAsRefused',
      'failAsYounger',
      'tellCancelled',
      'tellAbandoned',
      'armGrace',
      'armGraceAgain',
      'disarmGrace',
      'leaveReaders',
    ),
  }).createMachine({
    id: 'turn',
    context: ({ input }) => ({ turn: input.turn }),
    output: ({ context }) => ({ turnId: context.turn.id }),
    initial: 'begun',
    states: {
      begun: {
        description:
          'A new one asks its agent. One that the broker had before it was started anew was accepted long ago.',
        always: [
          { guard: 'isCancelled', target: 'live.work.cancelling', actions: 'armGraceAgain' },
          { guard: 'isRestored', target: 'live' },
          { target: 'dispatching' },
        ],
      },
      dispatching: {
        description: 'The agent was asked and has five seconds to accept. What it streams meanwhile waits.',
        entry: 'callAgent',
        exit: 'disarmAck',
        on: {
          'call.answered': [
            { guard: 'isKeptAcceptance', target: 'opening' },
            { guard: 'isAcceptance', target: 'live', actions: ['acceptChat', 'releaseHeld'] },
            { target: 'refused', actions: ['endChildren', 'refuseAsRejected'] },
          ],
          ...unaccepted,
          'ack.expired': { target: 'refused', actions: ['endChildren', 'refuseAsSilent'] },
        },
      },
      opening: {
        description: 'The agent has accepted. Before the host hears so, that is kept where it outlives the broker.',
        entry: 'keepOpening',
        exit: 'stopKeeping',
        on: {
          ...unaccepted,
          'opening.kept': { target: 'live', actions: ['acceptChat', 'releaseHeld'] },
          'ack.expired': { target: 'refused', actions: ['endChildren', 'refuseAsUnkept', 'cancelAgentAsOverflowing'] },
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
          'agent.window.expired': { target: 'failed', actions: ['endChildren', 'failAsAgentGone'] },
          'event.lost': { target: 'failed', actions: ['endChildren', 'cancelAgentAsStale', 'failAsRefused'] },
          'session.taken': { target: 'failed', actions: ['endChildren', 'cancelAgentAsYounger', 'failAsYounger'] },
          'turn.over': { target: 'moved', actions: ['endChildren', 'cancelAgentAsOver', 'leaveReaders'] },
        },
        states: {
          host: {
            initial: 'accepted',
            states: {
              accepted: {
                description: 'It may have gone before the ack.',
                always: [
                  { guard: 'hasHost', target: 'here' },
                  { guard: 'isCancelling', target: 'gone' },
                  { target: 'away' },
                ],
              },
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
          agent: {
            initial: 'accepted',
            states: {
              accepted: {
                description: 'After a restart it is not back yet.',
                always: [{ guard: 'hasAgent', target: 'here' }, { target: 'recovering' }],
              },
              here: { on: { 'agent.gone': { guard: 'mayReturn', target: 'away', actions: 'releaseAgent' } } },
              away: {
                description: 'It has lost its connection, and may go on with another. What it has said stays.',
                entry: 'armAgentWindow',
                exit: 'disarmAgentWindow',
                on: {
                  'agent.back': { target: 'here', actions: 'admitAgent' },
                  'turn.moved': { target: '#turn.moved', actions: ['endChildren', 'leaveReaders'] },
                },
              },
              recovering: {
                description: 'The broker was started anew, and the agent has not come to it yet.',
                entry: 'armAgentWindow',
                exit: 'disarmAgentWindow',
                on: {
                  'agent.back': { target: 'here', actions: 'admitAgent' },
                  'turn.moved': { target: '#turn.moved', actions: ['endChildren', 'leaveReaders'] },
                },
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
      moved: {
        type: 'final',
        description: 'It goes on at another broker, where its agent is, or has ended there; its readers follow it.',
      },
      refused: { type: 'final', description: 'Never accepted: the host’s request has its error, and nothing is left.' },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const turnMachine = createTurnMachine<TurnRefs>();

/** Law 2: see {@link HotEvents}. */
export const turnHotEvents = { 'chat.event': ['live'] } as const satisfies HotEvents<TurnEvent['type']>;
