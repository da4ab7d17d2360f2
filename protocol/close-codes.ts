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
  /** Not authenticated, or not within five seconds (section 3). */
  NotAuthenticated: 4401,
  /** The agent of this connection was removed (section 4). */
  Forbidden: 4403,
  /** Silent for 90 seconds. */
  HeartbeatLost: 4408,
  /** The same agent authenticated on a newer connection (section 3). */
  Replaced: 4409,
  /** Reads more slowly than it is written to (section 9). */
  SlowConsumer: 4413,
  /** Sends faster than its limit, or holds up a message that takes too long or too much, or makes room for others. */
  RateLimited: 4429,
} as const;

/** One of the numeric codes in {@link CloseCode}. */
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

const REASONS: Record<CloseCode, string> = {
  [CloseCode.Normal]: '',
  [CloseCode.GoingAway]: 'broker stopping',
  [CloseCode.UnsupportedData]: 'binary not accepted',
  [CloseCode.TooBig]: 'message too big',
  [CloseCode.NotAuthenticated]: 'not authenticated',
  [CloseCode.Forbidden]: 'forbidden',
  [CloseCode.HeartbeatLost]: 'heartbeat lost',
  [CloseCode.Replaced]: 'replaced by a newer connection',
  [CloseCode.SlowConsumer]: 'cannot keep up',
  [CloseCode.RateLimited]: 'rate limit',
};

/** The reason text that goes with a close code: for people, never branched on. */
export function closeReason(code: CloseCode): string {
  return REASONS[code];
}
