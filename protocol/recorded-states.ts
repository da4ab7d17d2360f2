/* Where a recorded turn stands: the words of `agents.chat.sessions`, and the ends of its chart. Without schemas, for the console's sake. */

/** States of a turn that has not ended, in the order of its life. */
export const LIVE_STATES = [
  'dispatching',
  'streaming',
  'parked',
  'cancelling',
  'detached',
  'orphaned',
  'recovering',
] as const;

/** How a turn ends. */
export const ENDED_STATES = ['done', 'failed', 'cancelled', 'abandoned', 'refused', 'moved'] as const;

/** Every state, in the order of a turn's life. */
export const RECORDED_STATES = [...LIVE_STATES, ...ENDED_STATES] as const;
