import type { ToolCancelReason } from '../protocol/tools.ts';
import { ErrorCode, type ErrorObject } from '../protocol/wire-error.ts';
import { RpcError } from './errors.ts';
import { fieldOf, toRpcError } from './rpc-error.ts';

/** The host did not answer within the tool's timeout (`-32017`). Whether the tool has done its work is unknown. */
export class ToolTimeoutError extends RpcError {}

/** The tool's call is over without an answer (`-32018`). Whether the tool has done its work is unknown. */
export class ToolCancelledError extends RpcError {
  /** Why (`wire.md` section 7). `unknown_outcome`: it was asked for again, of a host that knows nothing of the first time. */
  readonly reason: ToolCancelReason | 'unknown_outcome';

  constructor(method: string, error: ErrorObject) {
    super(method, error);
    this.reason = fieldOf(error, 'reason') as ToolCancelledError['reason'];
  }
}

/** The host offers no tool of that name, or is not there (`-32019`). Nothing has happened. */
export class ToolUnavailableError extends RpcError {}

const CLASSES: ReadonlyMap<number, typeof RpcError> = new Map([
  [ErrorCode.ToolTimeout, ToolTimeoutError],
  [ErrorCode.ToolCancelled, ToolCancelledError],
  [ErrorCode.ToolUnavailable, ToolUnavailableError],
]);

/** An error answer to an agent as the class that its code has. */
export function toAgentError(method: string, error: ErrorObject): RpcError {
  const Known = CLASSES.get(error.code);
  return Known ? new Known(method, error) : toRpcError(method, error);
}
