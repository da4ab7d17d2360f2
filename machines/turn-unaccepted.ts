/** What overtakes the ack waits for it, up to a bound. */
const early = [
  { guard: 'isHoldable', actions: 'hold' },
  { target: 'refused', actions: ['endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'] },
] as const;

/** What is the same while the agent is asked, and while its acceptance is kept. */
export const unaccepted = {
  'chat.event': early,
  'turn.terminal': early,
  'approval.pending': early,
  'approval.resolved': early,
  'tool.requested': { actions: 'holdCallback' },
  'turn.cancel': [
    {
      guard: 'hasGrace',
      target: 'live.work.cancelling',
      actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'releaseHeld', 'armGrace'],
    },
    { target: 'cancelled', actions: ['acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren'] },
  ],
  'turn.drain': { target: 'refused', actions: ['endChildren', 'refuseAsDraining', 'cancelAgentAsDraining'] },
  // One that chose the turn's secret can find it again, though it has had no answer.
  'host.joined': { actions: 'joinAskers' },
  'host.gone': [
    { guard: 'mayDetach', actions: ['endCallbacks', 'releaseHost', 'leaveBehind'] },
    { target: 'abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
  ],
  'window.expired': { target: 'abandoned', actions: ['endChildren', 'cancelAgentAsAbandoned'] },
  'agent.gone': { target: 'refused', actions: ['endChildren', 'cancelReplacedAgent', 'refuseAsDetached'] },
} as const;
