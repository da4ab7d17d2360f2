/** The broker's limits in a random history, in milliseconds: short ones, so that a history comes to all of them. */
export const TIMES = {
  ackTimeoutMs: 5_000,
  approveTimeoutMs: 5_000,
  staleAfterMs: 20_000,
  resumeAfterEndMs: 30_000,
} as const;
/** A turn that is to be resumed waits that long for its host. */
export const WINDOW_MS = 6_000;
export const TOOL_MS = 3_000;
/** Turns are swept that often, with these limits. */
export const SWEEP_MS = 4_000;
/** Approvals that are remembered when they have ended. */
export const KEPT_APPROVALS = 5;
/** Chats that may wait for one session. */
export const MAX_QUEUED = 2;
