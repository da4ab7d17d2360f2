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
 * these; it is logged and crosses the wire as `WireError.internal()` without its detail (`wire.md` section 2).
 */
export class WireError extends Error {
  override readonly name: string = 'WireError';
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

  static methodNotFound() {
    // The name is not repeated: it is the client's own text, and clients branch on the code.
    return new WireError(ErrorCode.MethodNotFound, 'method not found');
  }
  static invalidParams(issues: Issue[]) {
    const named = issues.map((issue) => (issue.path ? `${issue.path}: ${issue.message}` : issue.message));
    return new WireError(ErrorCode.InvalidParams, `invalid params: ${named.join('; ')}`, { issues });
  }
  static notFound(what: string) {
    return new WireError(ErrorCode.NotFound, `not found: no such ${what}`);
  }
  /** @param tool the caller's own text, given back to the caller alone. */
  static toolUnavailable(tool?: string) {
    return new WireError(
      ErrorCode.ToolUnavailable,
      tool === undefined ? 'tool unavailable' : `tool unavailable: ${tool}`,
    );
  }
}
