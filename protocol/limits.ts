/** Defaults of everything that is bounded or timed. Times in milliseconds. An embedder may override each. */
export const DEFAULT_LIMITS = {
  /** Largest message in bytes; a larger one closes with 1009 (`wire.md` section 1). */
  maxMessageBytes: 16 * 1024 * 1024,
  /** Bytes waiting for one connection beyond which neighbouring tokens of one turn are merged (section 9). */
  softLimitBytes: 1024 * 1024,
  /** Bytes waiting for one connection beyond which, for `hardLimitMs`, it is closed with 4413 (section 9). */
  hardLimitBytes: 8 * 1024 * 1024,
  /** See `hardLimitBytes`. */
  hardLimitMs: 10_000,
  /** Bytes waiting for one connection beyond which it is closed with 4413 at once (section 9). */
  cutBytes: 32 * 1024 * 1024,
  /** Connections at once; one more is refused with HTTP 503 before the upgrade (section 1). */
  maxConnections: 10_000,
  /** Of them, those that have not authenticated, and never more than half: the longest there makes room (4429), or 503. */
  maxUnauthenticatedConnections: 5_000,
  /** Of those, one peer address's; four times as many of loopback's. */
  maxUnauthenticatedPerAddress: 1_000,
  /** Sockets that are no WebSocket, or not yet: the longest there that no route is busy with makes room, or 503. */
  maxPlainConnections: 5_000,
  /** Of those, one peer address's; four times as many of loopback's. */
  maxPlainPerAddress: 1_000,
  /** How long a client may take over the handshake of TLS; then it is cut. */
  tlsHandshakeTimeoutMs: 10_000,
  /** Pages of its own that the broker serves to one peer address in a second, for long (429). */
  pagesPerSecond: 500,
  /** Pages that one peer address may ask for at once. */
  pageBurst: 1_000,
  /** How long a client may take over reading a page; then it is cut. */
  pageTimeoutMs: 30_000,
  /** How old the text of `/metrics` may be. */
  metricsMaxAgeMs: 1_000,
  /** Bytes that the unfinished messages of all connections may take, and no less than two of the largest (4429). */
  maxUnfinishedBytes: 48 * 1024 * 1024,
  /** How long a message may take from its first byte to its last (4429). */
  messageTimeoutMs: 30_000,
  /** Live and queued chats that one connection may have opened (`-32020`). */
  maxTurnsPerConnection: 1_000,
  /** Chats that may wait for one session (section 6, `on_busy: "queue"`). */
  maxQueuedPerSession: 16,
  /** Events in bytes that may overtake the agent's ack of one turn (section 6). */
  maxUnackedBytes: 1024 * 1024,
  /**
   * Bytes, roughly, of what one connection has sent and the broker keeps because it waits: queued chats, requests at the
   * gate or with an embedder's methods, tool calls before their host is asked (`-32020`).
   */
  maxHeldBytes: 32 * 1024 * 1024,
  /** The same of all connections together (`-32020`). */
  maxAllHeldBytes: 256 * 1024 * 1024,
  /** Requests of one connection that an embedder's methods may be working on (`-32020`). */
  maxPendingRequests: 1_024,
  /** Requests a second that one connection may send for long (`-32020` with `retry_after_ms`, then 4429). */
  requestsPerSecond: 10_000,
  /** Requests that it may send at once. */
  requestBurst: 20_000,
  /** Bytes a second, of frames of more than 4 KiB, that one connection may have read for long; beyond it, it is not read. */
  bytesPerSecond: 32 * 1024 * 1024,
  /** Bytes that it may have read at once. */
  byteBurst: 64 * 1024 * 1024,
  /** Tools that one connection may register (`-32020`). */
  maxToolsPerConnection: 256,
  /** Bytes of JSON that its tools' definitions may have together: each `agent.chat` carries them (`-32020`). */
  maxToolBytes: 256 * 1024,
  /** Bytes that a connection may send in all before `session.auth` has succeeded (4401, section 1). */
  maxUnauthenticatedBytes: 64 * 1024,
  /** Tool calls of one turn that may be pending, those parked at the gate included (section 7). */
  maxPendingTools: 64,
  /** Approvals that one connection may have pending, and one turn (`-32020`; a turn's event beyond it is dropped). */
  maxPendingApprovals: 64,
  /** Resolved approvals that are remembered (section 4). */
  keptApprovals: 500,
  /** Bytes that the remembered approvals' details may have together; the oldest make room. */
  keptApprovalBytes: 4 * 1024 * 1024,
  /** Bytes that the details of all pending approvals may have together (`-32020`; a chat row's are left out). */
  maxPendingApprovalBytes: 8 * 1024 * 1024,
  /** Events that are remembered (section 4). */
  keptEvents: 500,
  /** Bytes that the remembered events' payloads may have together; the oldest make room. */
  keptEventBytes: 4 * 1024 * 1024,
  /** Bytes of JSON that an event's payload, an approval's details or an agent's metadata may have (`-32020`). */
  maxPayloadBytes: 64 * 1024,
  /** Agents that one connection may register (`-32020`). */
  maxRegisteredAgents: 256,
  /** Bytes of JSON that all registered agents' `display` and `metadata` may have together (`-32020`). */
  maxRegisteredBytes: 4 * 1024 * 1024,
  /** Voice streams that one connection may have open, of both kinds together (`-32020`, section 11). */
  maxVoiceStreams: 16,
  /** Audio in bytes that may wait for a provider, an equal share for each transcription; what is more is refused. */
  maxWaitingAudioBytes: 2 * 1024 * 1024,
  /** Speech in bytes of one stream that may wait for its client; more than that fails the stream. */
  maxWaitingSpeechBytes: 6 * 1024 * 1024,
  /** Largest text in bytes that is spoken (`-32020`). */
  maxSpeechBytes: 64 * 1024,
  /** Finals of one transcription in bytes of JSON that are kept for its `stop`; the oldest make room. */
  maxTranscriptBytes: 1024 * 1024,
  /** Stops of one transcription that may wait for its end (`-32020`). */
  maxVoiceStops: 16,
  /** How long a provider gets to finish when its client has asked to stop; then there is what there is. */
  voiceStopTimeoutMs: 10_000,
  /** Surfaces that one principal may have; the daemon's token and the agents of the default tenant together (`-32020`, section 11). */
  maxSurfaces: 256,
  /** Surfaces that all principals together may have (`-32020`). */
  maxAllSurfaces: 1_024,
  /** Components that one surface may have (`-32020`). */
  maxSurfaceComponents: 1_000,
  /** Bytes of JSON that one surface may have, and one envelope (`-32020`). */
  maxSurfaceBytes: 256 * 1024,
  /** Envelopes that one ingest, or one answer of an A2A agent, may have (`-32020`). */
  maxEnvelopes: 256,
  /** Bytes of JSON that one ingest may have; an answer of an A2A agent is read no further (`-32020`). */
  maxIngestBytes: 1024 * 1024,
  /** How long a surface is kept that nobody changes or acts on. */
  surfaceIdleMs: 60 * 60_000,
  /** How long an A2A agent has to answer an action. */
  a2aTimeoutMs: 10_000,
  /** Actions of one connection that may be on their way to A2A agents (`-32020`). */
  maxPendingActions: 16,
  /** Actions on surfaces that may wait for one subscriber, and for the event log; the oldest make room. */
  maxWaitingActions: 64,
  /** Facts that one agent, or one other connection, may have (`-32020`, section 11). */
  maxFacts: 100_000,
  /** Largest fact in bytes, its subject and body together (`-32020`). */
  maxFactBytes: 16 * 1024,
  /** Bytes that all facts of one agent, or of one other connection, may have together (`-32020`). */
  maxMemoryBytes: 32 * 1024 * 1024,
  /** Bytes that all agents' facts may take where they are kept, on disk as a rule (`-32020`). */
  maxAllMemoryBytes: 256 * 1024 * 1024,
  /** Bytes of heap, by estimate, that the index of one agent's facts may take (`-32020`). */
  maxIndexBytes: 256 * 1024 * 1024,
  /** Bytes of heap, by estimate, that the facts of one other connection may take, with their index (`-32020`). */
  maxConnectionMemoryBytes: 32 * 1024 * 1024,
  /** Bytes of heap that those of all such connections may take together (`-32020`). */
  maxAllConnectionMemoryBytes: 128 * 1024 * 1024,
  /** Bytes of heap that all of that may take; agents' indexes that were least used make room (`-32020`). */
  maxAllIndexBytes: 512 * 1024 * 1024,
  /** How long a memory, or the reading of a meeting, may take (`-32004`). */
  memoryTimeoutMs: 10_000,
  /** Meetings that one connection may have running (`-32020`, section 11). */
  maxMeetings: 4,
  /** What was said in one meeting, in bytes of JSON; what is said beyond it is not kept. */
  maxMeetingBytes: 4 * 1024 * 1024,
  /** Requests that may wait for the end of one meeting (`-32020`). */
  maxMeetingStops: 16,
  /** Meetings that are kept; beyond it those are deleted that began first, of whoever has most. */
  keptMeetings: 1_000,
  /** Bytes that they may take together; the same. */
  keptMeetingBytes: 256 * 1024 * 1024,
  /** Meetings that one connection may wait to read: `meeting.get`, and `meeting.stop` of one that is over (`-32020`). */
  maxPendingReads: 8,
  /** Meetings that are read at once in the whole broker; the others wait. */
  maxMeetingReads: 2,
  /** What of one meeting may wait for its memory, in bytes of JSON and 128 for each text; more is not remembered, but kept. */
  maxIngestingBytes: 16 * 1024 * 1024,
  /** What of all meetings together may; the same. */
  maxAllIngestingBytes: 64 * 1024 * 1024,
  /** How much of a transcript in bytes is summarized; of a longer one the beginning and the end. */
  maxSummarizedBytes: 256 * 1024,
  /** Largest summary in bytes; a longer one is cut off. */
  maxSummaryBytes: 64 * 1024,
  /** How long a summary may take; then there is none. */
  summaryTimeoutMs: 120_000,
  /** How long a parked request waits for its approval (section 5). */
  approvalTimeoutMs: 60_000,
  /** How long an agent has to answer `agent.chat.approve` (section 6). */
  approveTimeoutMs: 5_000,
  /** Agents that may be known (`-32020`). */
  maxAgents: 10_000,
  /** Bytes of JSON that all known agents may have together (`-32020`). */
  maxKnownAgentBytes: 8 * 1024 * 1024,
  /** Keys that there may be, of all tenants (`-32020`, section 3). */
  maxKeys: 10_000,
  /** Bytes of JSON that they may have together (`-32020`). */
  maxKeyBytes: 8 * 1024 * 1024,
  /** Bytes of JWTs that were verified and are remembered, by their hash, until they end; the least lately used make room. */
  maxJwtCacheBytes: 16 * 1024 * 1024,
  /** JWTs that are verified at once. */
  maxJwtVerifications: 8,
  /** JWTs that are verified in a second, after as many at once; the others wait. */
  jwtVerificationsPerSecond: 1_000,
  /** JWTs that may wait for it (`-32020`; of an upgrade 503). */
  maxWaitingJwts: 1_000,
  /** Bytes that the issuer's answer with its keys may have. */
  maxJwksBytes: 256 * 1024,
  /** How long it may take; then the last good keys go on. */
  jwksTimeoutMs: 3_000,
  /** Goals that may stand for sessions, of all principals (`-32020`, section 6). */
  maxGoals: 2_000,
  /** Bytes that they may have together, 2 KiB more for each (`-32020`). */
  maxGoalBytes: 8 * 1024 * 1024,
  /** Of these, goals of one principal (`-32020`). */
  maxPrincipalGoals: 500,
  /** And the bytes of one principal's (`-32020`). */
  maxPrincipalGoalBytes: 2 * 1024 * 1024,
  /** How long a connection may stay unauthenticated (section 3). */
  authTimeoutMs: 5_000,
  /** Wrong tokens until the connection is closed (section 3). */
  maxAuthFailures: 5,
  /** How long an agent has to answer `agent.chat` (section 6). */
  ackTimeoutMs: 5_000,
  /** How long a chat waits for an agent that detached less than so long ago; 0: not at all (section 6). */
  agentWaitMs: 2_000,
  /** How long turns wait for an agent with `resume` that has lost its connection; 0: not at all (section 8). */
  agentWindowMs: 60_000,
  /** How long a request waits for turns from before a restart that are not taken up yet (`-32004`, section 8). */
  recoveryWaitMs: 30_000,
  /** How long one that has connected anew has to name the turns that it goes on with; the others then end (section 8). */
  agentResumeMs: 10_000,
  /** How often such an agent is told how far its events have arrived, at most (section 8). */
  agentAckMs: 50,
  /** After so many bytes of them it is told at once. */
  agentAckBytes: 64 * 1024,
  /** Silence of an agent after which its turn is swept (section 6). */
  staleAfterMs: 15 * 60_000,
  /** Longest grace that a cancel may ask for (section 6). */
  maxGraceMs: 30_000,
  /** Longest time that a turn may wait for its host to come back; a longer wish is clamped (section 8). */
  resumeWindowMs: 10 * 60_000,
  /** How long an ended turn with a log can be resumed (section 8). */
  resumeAfterEndMs: 5 * 60_000,
  /** Bytes of events that the log of one turn may hold; beyond that the oldest go (section 8). */
  maxLogBytes: 4 * 1024 * 1024,
  /** Bytes of text that are kept of tokens that went; beyond that no `text` is kept of the turn's past. */
  maxLogTextBytes: 8 * 1024 * 1024,
  /** Bytes that all logs may have together, 1 KiB more for each; ended ones make room, then what the largest holds. */
  maxAllLogBytes: 256 * 1024 * 1024,
  /** Ended turns with a log that are kept; the oldest makes room. */
  keptEndedTurns: 100_000,
  /** Turns that may wait for their hosts at once; beyond that whoever left most behind loses its oldest. */
  maxDetachedTurns: 10_000,
  /** Observers of one turn (`-32020`). */
  maxObservers: 32,
  /** How often a connection is pinged (section 1). */
  pingIntervalMs: 30_000,
  /** Silence after which a connection is dropped with 4408 (section 1). */
  heartbeatTimeoutMs: 90_000,
  /** How long live turns get to end when the broker stops (section 10). */
  drainTimeoutMs: 10_000,
  /** Connections that may watch the statecharts at once (`-32020`; section 12, `--inspect`). */
  maxInspectWatchers: 16,
  /** Bytes of inspection records that may wait for one watcher; beyond it the oldest are dropped, and it is told so. */
  maxInspectBytes: 4 * 1024 * 1024,
  /** How long an embedder's method may take unless it says otherwise (`-32004`). */
  handlerTimeoutMs: 60_000,
} as const;

/** The bounds of one broker. */
export type Limits = { -readonly [K in keyof typeof DEFAULT_LIMITS]: number };
