/** Every error code that may cross the wire, by name (`wire.md` section 2). */
export const ErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  AuthRequired: -32001,
  ApprovalDenied: -32003,
  DeadlineExceeded: -32004,
  HandshakeRequired: -32005,
  VersionMismatch: -32006,
  SessionBusy: -32010,
  AgentNotAttached: -32011,
  AgentRejected: -32012,
  AgentAckTimeout: -32013,
  NotFound: -32014,
  Forbidden: -32015,
  ApprovalNotPending: -32016,
  ToolTimeout: -32017,
  ToolCancelled: -32018,
  ToolUnavailable: -32019,
  LimitExceeded: -32020,
  Draining: -32021,
} as const;

/** One of the numeric codes in {@link ErrorCode}. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** One offending field of a request (`data.issues` of `-32602`). `path` is dotted; empty for the parameters as a whole. */
export interface Issue {
  path: string;
  message: string;
}

/** The `error` member of a JSON-RPC response. */
export interface ErrorObject {
  code: number;
  message: string;
  data?: unknown;
}

/**
 * An error that is meant for the peer: everything in it is sent. A fault of the broker's own is never one of
 * these; it is logged and crosses the wire as {@link WireError.internal} without its detail (`wire.md` section 2).
 */
export class WireError extends Error {
  override readonly name = 'WireError';
  /** JSON-RPC error code; clients branch on this alone. */
  readonly code: number;
  /** Additional members, as the table in section 2 lists them. */
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }

  /** The `error` member of a response. */
  toObject(): ErrorObject {
    return this.data === undefined
      ? { code: this.code, message: this.message }
      : { code: this.code, message: this.message, data: this.data };
  }

  static parseError() {
    return new WireError(ErrorCode.ParseError, 'parse error: the text is not JSON');
  }
  static invalidRequest(detail: string) {
    return new WireError(ErrorCode.InvalidRequest, `invalid request: ${detail}`);
  }
  static methodNotFound() {
    // The name is not repeated: it is the client's own text, and clients branch on the code.
    return new WireError(ErrorCode.MethodNotFound, 'method not found');
  }
  static invalidParams(issues: Issue[]) {
    const named = issues.map((issue) => (issue.path ? `${issue.path}: ${issue.message}` : issue.message));
    return new WireError(ErrorCode.InvalidParams, `invalid params: ${named.join('; ')}`, { issues });
  }
  static internal() {
    return new WireError(ErrorCode.InternalError, 'internal error');
  }
  static tokenMismatch() {
    return new WireError(ErrorCode.InternalError, 'auth failed: token mismatch');
  }
  static authRequired() {
    return new WireError(ErrorCode.AuthRequired, 'auth required: call session.auth first');
  }
  static approvalDenied(reason: 'denied' | 'timeout', approvalId: string) {
    return new WireError(ErrorCode.ApprovalDenied, `approval ${reason === 'denied' ? 'denied' : 'timed out'}`, {
      reason,
      approval_id: approvalId,
    });
  }
  static deadlineExceeded(what: string) {
    return new WireError(ErrorCode.DeadlineExceeded, `deadline exceeded: ${what}`);
  }
  static handshakeRequired() {
    return new WireError(ErrorCode.HandshakeRequired, 'handshake required: call server.handshake first');
  }
  static versionMismatch(supported: readonly number[]) {
    return new WireError(ErrorCode.VersionMismatch, `version mismatch: supported are ${supported.join(' and ')}`, {
      supported: [...supported],
    });
  }
  static sessionBusy() {
    return new WireError(ErrorCode.SessionBusy, 'session busy: this session_id has a live turn');
  }
  static agentNotAttached(agentId: string) {
    return new WireError(ErrorCode.AgentNotAttached, 'agent not attached', { agent_id: agentId });
  }
  /** @param agentId who was named, if anybody was. */
  static noVoiceProvider(capability: string, agentId: string | null = null) {
    const message = `agent not attached: none with the capability ${capability}`;
    return new WireError(ErrorCode.AgentNotAttached, message, { agent_id: agentId, capability });
  }
  static agentRejected(agentError: unknown) {
    return new WireError(ErrorCode.AgentRejected, 'agent rejected the request', { agent_error: agentError });
  }
  static agentAckTimeout() {
    return new WireError(ErrorCode.AgentAckTimeout, 'agent ack timeout');
  }
  static notFound(what: string) {
    return new WireError(ErrorCode.NotFound, `not found: no such ${what}`);
  }
  static forbidden(what: string) {
    return new WireError(ErrorCode.Forbidden, `forbidden: this ${what} belongs to somebody else`);
  }
  static takenOver() {
    const message = 'forbidden: somebody else has taken this session over';
    return new WireError(ErrorCode.Forbidden, message, { reason: 'taken_over' });
  }
  static approvalNotPending(resolution?: string) {
    return new WireError(
      ErrorCode.ApprovalNotPending,
      'approval not pending',
      resolution === undefined ? undefined : { resolution },
    );
  }
  static approvalTaken(decision: 'approve' | 'deny') {
    // No resolution: the agent may still refuse it, and then it waits again.
    const message = 'approval not pending: an answer is on its way to the agent';
    return new WireError(ErrorCode.ApprovalNotPending, message, { taken: decision });
  }
  static toolTimeout() {
    return new WireError(ErrorCode.ToolTimeout, 'tool timeout');
  }
  static toolCancelled(reason: string) {
    return new WireError(ErrorCode.ToolCancelled, 'tool cancelled', { reason });
  }
  static toolUnavailable() {
    return new WireError(ErrorCode.ToolUnavailable, 'tool unavailable');
  }
  static limitExceeded(name: string, value: number, retryAfterMs?: number) {
    return new WireError(ErrorCode.LimitExceeded, `limit exceeded: ${name} is ${value}`, {
      limit: { name, value },
      ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    });
  }
  static draining() {
    return new WireError(ErrorCode.Draining, 'draining: the broker is stopping');
  }
}
