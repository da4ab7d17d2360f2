/** Defaults of everything that is bounded or timed. Times in milliseconds. An embedder may override each. */
export const DEFAULT_LIMITS = {
  /** Largest message in bytes; a larger one closes with 1009 (`wire.md` section 1). */
  maxMessageBytes: 16 * 1024 * 1024,
  /** Connections at once; one more is refused with HTTP 503 before the upgrade (section 1). */
  maxConnections: 10_000,
  /** Live and queued chats that one connection may have opened (`-32020`). */
  maxTurnsPerConnection: 1_000,
  /** Chats that may wait for one session (section 6, `on_busy: "queue"`). */
  maxQueuedPerSession: 16,
  /** Events in bytes that may overtake the agent's ack of one turn (section 6). */
  maxUnackedBytes: 1024 * 1024,
  /** Requests of one connection that an embedder's methods may be working on (`-32020`). */
  maxPendingRequests: 1_024,
  /** Agents that may be known (`-32020`). */
  maxAgents: 10_000,
  /** How long a connection may stay unauthenticated (section 3). */
  authTimeoutMs: 5_000,
  /** Wrong tokens until the connection is closed (section 3). */
  maxAuthFailures: 5,
  /** How long an agent has to answer `agent.chat` (section 6). */
  ackTimeoutMs: 5_000,
  /** Silence of an agent after which its turn is swept (section 6). */
  staleAfterMs: 15 * 60_000,
  /** Longest grace that a cancel may ask for (section 6). */
  maxGraceMs: 30_000,
  /** How often a connection is pinged (section 1). */
  pingIntervalMs: 30_000,
  /** Silence after which a connection is dropped with 4408 (section 1). */
  heartbeatTimeoutMs: 90_000,
  /** How long live turns get to end when the broker stops (section 10). */
  drainTimeoutMs: 10_000,
  /** How long an embedder's method may take unless it says otherwise (`-32004`). */
  handlerTimeoutMs: 60_000,
} as const;

/** The bounds of one broker. */
export type Limits = { -readonly [K in keyof typeof DEFAULT_LIMITS]: number };
