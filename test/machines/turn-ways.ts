import { turnMachine } from '../../machines/turn.machine.ts';
import type { TurnFacts } from '../../machines/turn-events.ts';
import type { LiveTurn } from '../../machines/turn-status.ts';
import type { Chart } from './chart.ts';
import { ack, agentGone, cancelGently, hostGone, hostJoined, pending } from './turn-events.ts';

export const one = { pendingApprovals: new Set(['a']) };
/** Its opening has to be kept. */
export const kept = { isKept: true };
/** It was there before the broker was started anew. */
export const restored = { isRestored: true, hasHost: false, hasAgent: false };

/** What the guards ask for. */
export type Facts = { -readonly [K in keyof TurnFacts]: TurnFacts[K] };

/** The chart, and the way into each of its states. */
export const chart: Chart<Facts> = {
  machine: turnMachine,
  facts: () => ({
    id: 'turn-1',
    sessionId: 's',
    agentId: 'echo',
    pendingApprovals: new Set(),
    maxPendingApprovals: 3,
    heldBytes: 0,
    maxHeldBytes: 100,
    heldTerminal: undefined,
    hasHost: true,
    hasAgent: true,
    isKept: false,
    isRestored: false,
    isCancelled: false,
    hasLog: false,
    resumes: false,
    mayDetach: false,
  }),
  input: (turn) => ({ turn }),
  ways: {
    dispatching: { by: [] },
    streaming: { by: [ack] },
    parked: { by: [ack, pending] },
    'streaming, away': { by: [ack, hostGone], given: { mayDetach: true } },
    'parked, away': { by: [ack, pending, hostGone], given: { mayDetach: true } },
    cancelling: { by: [ack, cancelGently] },
    'cancelling, gone': { by: [ack, hostGone, cancelGently], given: { mayDetach: true } },
    'streaming, orphaned': { by: [ack, agentGone], given: { resumes: true } },
    'parked, orphaned': { by: [ack, pending, agentGone], given: { resumes: true } },
    'cancelling, orphaned': { by: [ack, agentGone, cancelGently], given: { resumes: true } },
    'streaming, away, orphaned': { by: [ack, hostGone, agentGone], given: { mayDetach: true, resumes: true } },
    'parked, away, orphaned': { by: [ack, pending, hostGone, agentGone], given: { mayDetach: true, resumes: true } },
    'cancelling, gone, orphaned': {
      by: [ack, hostGone, agentGone, cancelGently],
      given: { mayDetach: true, resumes: true },
    },
    opening: { by: [ack], given: kept },
    'streaming, recovering': { by: [hostJoined], given: restored },
    'parked, recovering': { by: [hostJoined], given: { ...restored, ...one } },
    'cancelling, recovering': { by: [hostJoined], given: { ...restored, isCancelled: true } },
    'streaming, away, recovering': { by: [], given: restored },
    'parked, away, recovering': { by: [], given: { ...restored, ...one } },
    'cancelling, gone, recovering': { by: [], given: { ...restored, isCancelled: true } },
  },
  standing: (value) => {
    if (typeof value === 'string') return value;
    const { host, agent, work } = value.live as unknown as LiveTurn;
    return [
      work,
      ...(host === 'here' ? [] : [host]),
      ...(agent === 'here' ? [] : [agent === 'away' ? 'orphaned' : agent]),
    ].join(', ');
  },
};
