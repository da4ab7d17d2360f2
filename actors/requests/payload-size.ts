import { WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { BrokerState } from '../kernel/broker-state.ts';

/** The bytes of a value as JSON; none where it is not there. */
export function jsonBytes(value: unknown): number {
  const text = JSON.stringify(value);
  return text === undefined ? 0 : Buffer.byteLength(text);
}

/** What is kept for others is bounded: gives its bytes. @throws {WireError} `-32020` */
export function checkSize(state: BrokerState, value: unknown): number {
  const limit = state.limits.maxPayloadBytes;
  const bytes = jsonBytes(value);
  if (bytes > limit) throw WireError.limitExceeded('max_payload_bytes', limit);
  return bytes;
}

/** What an approval keeps of details that an agent chose: all of it, or that it was too much. */
export function boundedDetails(state: BrokerState, details: JsonObject): JsonObject {
  const bytes = jsonBytes(details);
  return bytes <= state.limits.maxPayloadBytes && state.approvals.hasRoomFor(bytes) ? details : { truncated: true };
}

/** @throws {WireError} `-32020` where one client has too many approvals pending, or all of them too much in them. */
export function checkApprovalRoom(state: BrokerState, pendingOfClient: number, bytes: number): void {
  const { maxPendingApprovals, maxPendingApprovalBytes } = state.limits;
  if (pendingOfClient >= maxPendingApprovals)
    throw WireError.limitExceeded('max_pending_approvals', maxPendingApprovals);
  if (!state.approvals.hasRoomFor(bytes)) {
    throw WireError.limitExceeded('max_pending_approval_bytes', maxPendingApprovalBytes);
  }
}
