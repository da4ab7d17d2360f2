import type { ApprovalRow } from '../protocol/approvals.ts';
import { WireError } from '../protocol/errors.ts';
import { isObject } from '../protocol/json.ts';
import { RpcError } from './errors.ts';
import type { HostSubscription } from './host-events.ts';

/**
 * Waits until an approval is pending no more.
 * @throws {RpcError} `-32014` where the broker knows none of that id. @throws the signal's reason.
 */
export async function approvalOutcome(
  subscribe: () => Promise<HostSubscription>,
  id: string,
  signal?: AbortSignal,
): Promise<ApprovalRow> {
  signal?.throwIfAborted();
  const subscription = await subscribe();
  const close = () => subscription.close();
  signal?.addEventListener('abort', close);
  try {
    // It may have aborted while we were subscribing.
    signal?.throwIfAborted();
    const row = subscription.snapshot.approvals.find((approval) => approval.id === id);
    if (!row) throw new RpcError('host.approvals', WireError.notFound('approval').toObject());
    if (row.status !== 'pending') return row;
    for await (const { kind, payload } of subscription) {
      if (kind === 'approval.resolved' && isObject(payload) && payload.id === id) return payload as ApprovalRow;
    }
    throw signal?.reason;
  } finally {
    signal?.removeEventListener('abort', close);
    close();
  }
}
