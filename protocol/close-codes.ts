/** Why the broker closes a WebSocket (`wire.md` section 1). */
export const CloseCode = {
  /** Nothing wrong: either side is done. */
  Normal: 1000,
  /** The broker is stopping (section 10). */
  GoingAway: 1001,
  /** A binary frame that is none of section 11, or came before authentication. */
  UnsupportedData: 1003,
  /** A message beyond `max_message_bytes`. */
  TooBig: 1009,
  /** Not authenticated, or not within five seconds; or the key or JWT of this connection has ended (section 3). */
  NotAuthenticated: 4401,
  /** The agent of this connection, or its key, was removed (sections 4 and 3). */
  Forbidden: 4403,
  /** Silent for 90 seconds. */
  HeartbeatLost: 4408,
  /** The same agent authenticated on a newer connection (section 3). */
  Replaced: 4409,
  /** Reads more slowly than it is written to, or lacks what was kept for it (section 9). */
  SlowConsumer: 4413,
  /** Sends faster than its limit, or holds up a message that takes too long or too much, or makes room for others. */
  RateLimited: 4429,
} as const;

/** One of the numeric codes in {@link CloseCode}. */
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

// By number: a page that reads none of them has none.
const REASONS: Record<CloseCode, string> = {
  1000: '',
  1001: 'broker stopping',
  1003: 'binary not accepted',
  1009: 'message too big',
  4401: 'not authenticated',
  4403: 'forbidden',
  4408: 'heartbeat lost',
  4409: 'replaced by a newer connection',
  4413: 'cannot keep up',
  4429: 'rate limit',
};

/** The reason text that goes with a close code: for people, never branched on. */
export function closeReason(code: CloseCode): string {
  return REASONS[code];
}
