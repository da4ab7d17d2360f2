import type { ApprovalRow } from '../protocol/approvals.ts';
import { isObject } from '../protocol/json.ts';
import { WireError } from '../protocol/wire-error.ts';
import { ConnectionClosedError, RpcError } from './errors.ts';
import type { HostSnapshot, HostSubscription, SubscribeOptions } from './host-events.ts';

/**
 * Waits until an approval is pending no more.
 * @throws {RpcError} `-32014` where the broker knows none of that id. @throws the signal's reason.
 */
export async function approvalOutcome(
  subscribe: (options: SubscribeOptions) => Promise<HostSubscription>,
  id: string,
  signal?: AbortSignal,
): Promise<ApprovalRow> {
  signal?.throwIfAborted();
  /** The row, once there is nothing more to wait for. */
  let settled: ApprovalRow | undefined;
  let unknown = false;
  const look = ({ approvals }: HostSnapshot) => {
    const row = approvals.find((approval) => approval.id === id);
    unknown = row === undefined;
    settled = row?.status === 'pending' ? undefined : row;
  };
  // Of what happens while there is no connection a snapshot tells, if anything does.
  const onRenewed = (snapshot: HostSnapshot) => {
    look(snapshot);
    if (unknown || settled) close();
  };
  const subscription = await subscribe({ onRenewed });
  const close = () => subscription.close();
  signal?.addEventListener('abort', close);
  try {
    // It may have aborted while we were subscribing.
    signal?.throwIfAborted();
    look(subscription.snapshot);
    if (!unknown && !settled) {
      for await (const { kind, payload } of subscription) {
        if (kind === 'approval.resolved' && isObject(payload) && payload.id === id) return payload as ApprovalRow;
      }
    }
    if (settled) return settled;
    if (unknown) throw new RpcError('host.approvals', WireError.notFound('approval').toObject());
    // Its events ended: it was closed by the signal, or with its host.
    throw signal?.aborted ? signal.reason : new ConnectionClosedError();
  } finally {
    signal?.removeEventListener('abort', close);
    close();
  }
}
