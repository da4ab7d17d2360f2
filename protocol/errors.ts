import { WireError as Bare, ErrorCode } from './wire-error.ts';

export { ErrorCode, type ErrorObject, type Issue } from './wire-error.ts';

/** What only a broker says: the SDK, which is to be small, has the class without it. */
const ofTheBroker = {
  parseError() {
    return new Bare(ErrorCode.ParseError, 'parse error: the text is not JSON');
  },
  invalidRequest(detail: string) {
    return new Bare(ErrorCode.InvalidRequest, `invalid request: ${detail}`);
  },
  internal() {
    return new Bare(ErrorCode.InternalError, 'internal error');
  },
  tokenMismatch() {
    return new Bare(ErrorCode.InternalError, 'auth failed: token mismatch');
  },
  /** @param metadata - where it is said who gives tokens (RFC 9728), if anybody does */
  authRequired(metadata?: string) {
    const data = metadata === undefined ? undefined : { resource_metadata: metadata };
    return new Bare(ErrorCode.AuthRequired, 'auth required: call session.auth first', data);
  },
  approvalDenied(reason: 'denied' | 'timeout', approvalId: string) {
    return new Bare(ErrorCode.ApprovalDenied, `approval ${reason === 'denied' ? 'denied' : 'timed out'}`, {
      reason,
      approval_id: approvalId,
    });
  },
  deadlineExceeded(what: string) {
    return new Bare(ErrorCode.DeadlineExceeded, `deadline exceeded: ${what}`);
  },
  handshakeRequired() {
    return new Bare(ErrorCode.HandshakeRequired, 'handshake required: call server.handshake first');
  },
  versionMismatch(supported: readonly number[]) {
    return new Bare(ErrorCode.VersionMismatch, `version mismatch: supported are ${supported.join(' and ')}`, {
      supported: [...supported],
    });
  },
  sessionBusy() {
    return new Bare(ErrorCode.SessionBusy, 'session busy: this session_id has a live turn');
  },
  agentNotAttached(agentId: string) {
    return new Bare(ErrorCode.AgentNotAttached, 'agent not attached', { agent_id: agentId });
  },
  /** @param agentId who was named, if anybody was. */
  noVoiceProvider(capability: string, agentId: string | null = null) {
    const message = `agent not attached: none with the capability ${capability}`;
    return new Bare(ErrorCode.AgentNotAttached, message, { agent_id: agentId, capability });
  },
  agentRejected(agentError: unknown) {
    return new Bare(ErrorCode.AgentRejected, 'agent rejected the request', { agent_error: agentError });
  },
  agentAckTimeout() {
    return new Bare(ErrorCode.AgentAckTimeout, 'agent ack timeout');
  },
  forbidden(what: string) {
    return new Bare(ErrorCode.Forbidden, `forbidden: this ${what} belongs to somebody else`);
  },
  /** @param scope - that the caller lacks */
  outOfScope(scope: string) {
    return new Bare(ErrorCode.Forbidden, `forbidden: this needs the scope ${scope}`);
  },
  takenOver() {
    const message = 'forbidden: somebody else has taken this session over';
    return new Bare(ErrorCode.Forbidden, message, { reason: 'taken_over' });
  },
  approvalNotPending(resolution?: string) {
    return new Bare(
      ErrorCode.ApprovalNotPending,
      'approval not pending',
      resolution === undefined ? undefined : { resolution },
    );
  },
  approvalTaken(decision: 'approve' | 'deny') {
    // No resolution: the agent may still refuse it, and then it waits again.
    const message = 'approval not pending: an answer is on its way to the agent';
    return new Bare(ErrorCode.ApprovalNotPending, message, { taken: decision });
  },
  toolTimeout() {
    return new Bare(ErrorCode.ToolTimeout, 'tool timeout');
  },
  toolCancelled(reason: string) {
    return new Bare(ErrorCode.ToolCancelled, 'tool cancelled', { reason });
  },
  limitExceeded(name: string, value: number, retryAfterMs?: number) {
    return new Bare(ErrorCode.LimitExceeded, `limit exceeded: ${name} is ${value}`, {
      limit: { name, value },
      ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    });
  },
  /** A turn that may be resumed is to be kept, and nothing can be now. @param bytes - what is kept */
  journalUnwritable(bytes: number) {
    const message =
      'limit exceeded: journal_bytes: what would outlive the broker cannot be written, its disk is full or fails; ask again later, or without resume_window_ms';
    return new Bare(ErrorCode.LimitExceeded, message, { limit: { name: 'journal_bytes', value: bytes } });
  },
  draining() {
    return new Bare(ErrorCode.Draining, 'draining: the broker is stopping');
  },
};

/** {@link Bare}, with a maker for every error of the wire. */
export const WireError: typeof Bare & typeof ofTheBroker = Object.assign(Bare, ofTheBroker);
/** See {@link Bare}. */
export type WireError = Bare;
