import { isObject } from '../protocol/json.ts';
import { ErrorCode, type ErrorObject } from '../protocol/wire-error.ts';
import { RpcError } from './errors.ts';

/** A person denied what was asked at an approval gate, or nobody answered in time (`-32003`). Nothing has happened. */
export class ApprovalDeniedError extends RpcError {
  readonly reason: 'denied' | 'timeout';
  /** The row's id in `host.approvals`. */
  readonly approvalId: string;

  constructor(method: string, error: ErrorObject) {
    super(method, error);
    this.reason = fieldOf(error, 'reason') as 'denied' | 'timeout';
    this.approvalId = fieldOf(error, 'approval_id') as string;
  }
}

/** An error answer as the class that its code has. Those of tool calls, which only agents make, are in `tool-errors.ts`. */
export function toRpcError(method: string, error: ErrorObject): RpcError {
  return new (error.code === ErrorCode.ApprovalDenied ? ApprovalDeniedError : RpcError)(method, error);
}

/** A member of what comes with an error. */
export function fieldOf({ data }: ErrorObject, name: string): unknown {
  return isObject(data) ? data[name] : undefined;
}
