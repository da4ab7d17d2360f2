import { ErrorCode, type ErrorObject } from '../protocol/errors.ts';
import { isObject } from '../protocol/json.ts';
import type { ToolCancelReason } from '../protocol/tools.ts';
import { RpcError } from './errors.ts';

/** The host did not answer within the tool's timeout (`-32017`). Whether the tool has done its work is unknown. */
export class ToolTimeoutError extends RpcError {}

/** The tool's call is over without an answer (`-32018`). Whether the tool has done its work is unknown. */
export class ToolCancelledError extends RpcError {
  /** Why (`wire.md` section 7). */
  readonly reason: ToolCancelReason;

  constructor(method: string, error: ErrorObject) {
    super(method, error);
    this.reason = field(error, 'reason') as ToolCancelReason;
  }
}

/** The host offers no tool of that name, or is not there (`-32019`). Nothing has happened. */
export class ToolUnavailableError extends RpcError {}

/** A person denied what was asked at an approval gate, or nobody answered in time (`-32003`). Nothing has happened. */
export class ApprovalDeniedError extends RpcError {
  readonly reason: 'denied' | 'timeout';
  /** The row's id in `host.approvals`. */
  readonly approvalId: string;

  constructor(method: string, error: ErrorObject) {
    super(method, error);
    this.reason = field(error, 'reason') as 'denied' | 'timeout';
    this.approvalId = String(field(error, 'approval_id'));
  }
}

const CLASSES: ReadonlyMap<number, typeof RpcError> = new Map([
  [ErrorCode.ToolTimeout, ToolTimeoutError],
  [ErrorCode.ToolCancelled, ToolCancelledError],
  [ErrorCode.ToolUnavailable, ToolUnavailableError],
  [ErrorCode.ApprovalDenied, ApprovalDeniedError],
]);

/** An error answer as the class that its code has; one without a class of its own is an {@link RpcError}. */
export function toRpcError(method: string, error: ErrorObject): RpcError {
  return new (CLASSES.get(error.code) ?? RpcError)(method, error);
}

function field({ data }: ErrorObject, name: string): unknown {
  return isObject(data) ? data[name] : undefined;
}
