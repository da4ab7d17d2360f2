import { isObject } from '../protocol/json.ts';
import { ErrorCode } from '../protocol/wire-error.ts';
import type { ResumeFailure, RpcError } from './errors.ts';

/** Why a turn is not gone on with, by the broker's answer (`wire.md` section 8). */
export function resumeFailure({ code, data }: RpcError): ResumeFailure {
  if (code === ErrorCode.NotFound) return 'not_found';
  return isObject(data) && data.reason === 'taken_over' ? 'taken_over' : 'refused';
}

/** When to ask again for what the broker has no room for now. Milliseconds. Undefined: asking again would not help. */
export function retryAfterMs({ code, data }: RpcError): number | undefined {
  if (code !== ErrorCode.LimitExceeded || !isObject(data)) return undefined;
  return typeof data.retry_after_ms === 'number' ? data.retry_after_ms : undefined;
}

/** How an approval was resolved that waits no more. Undefined: it is another error, or is not said. */
export function resolutionOf({ code, data }: RpcError): unknown {
  return code === ErrorCode.ApprovalNotPending && isObject(data) ? data.resolution : undefined;
}

/** Whether an approval waits no more because its agent is just being told an answer, and has not taken it yet. */
export function isTaken({ code, data }: RpcError): boolean {
  return code === ErrorCode.ApprovalNotPending && isObject(data) && data.taken !== undefined;
}
