import type { ApprovalRow } from '../../protocol/approvals.ts';
import { WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { LazySet } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import type { Approval } from './approval-record.ts';

const raised = slot(() => new LazySet<Approval>());

/** Approvals that a connection raised, or is parked on. */
export const approvalsOf = (client: Client): LazySet<Approval> => raised.of(client);

/** Every approval of a broker. */
export const APPROVALS = key<Approvals>('approvals');

/** Every pending approval, and the last resolved ones (`wire.md` sections 4 and 5). */
export class Approvals {
  readonly #pending = new Map<string, Approval>();
  /** Oldest first. */
  readonly #resolved = new Map<string, Approval>();
  readonly #limits: Limits;
  #pendingBytes = 0;
  #resolvedBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether one more with so many bytes of details may be pending. */
  hasRoomFor(bytes: number): boolean {
    return this.#pendingBytes + bytes <= this.#limits.maxPendingApprovalBytes;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  allPending(): Iterable<Approval> {
    return this.#pending.values();
  }

  add(approval: Approval): void {
    this.#pending.set(approval.id, approval);
    this.#pendingBytes += approval.bytes;
  }

  /** Moves an approval that has ended to the resolved ones, where the oldest makes room. */
  settle(approval: Approval): void {
    if (!this.#pending.delete(approval.id)) return;
    this.#pendingBytes -= approval.bytes;
    this.#resolved.set(approval.id, approval);
    this.#resolvedBytes += approval.bytes;
    const { keptApprovals, keptApprovalBytes } = this.#limits;
    for (const oldest of this.#resolved.values()) {
      if (this.#resolved.size <= keptApprovals && this.#resolvedBytes <= keptApprovalBytes) return;
      this.#resolved.delete(oldest.id);
      this.#resolvedBytes -= oldest.bytes;
    }
  }

  pending(id: string): Approval | undefined {
    return this.#pending.get(id);
  }

  resolved(id: string): Approval | undefined {
    return this.#resolved.get(id);
  }

  /** The last one under this id that a turn has asked for, and that is resolved. */
  resolvedOfTurn(turnId: string, approvalId: string): Approval | undefined {
    let last: Approval | undefined;
    // Looked for rarely, and 500 at most.
    for (const approval of this.#resolved.values()) {
      const { kind, subject } = approval;
      if (kind === 'chat' && subject.details.turn_id === turnId && subject.details.approval_id === approvalId) {
        last = approval;
      }
    }
    return last;
  }

  /** Pending rows as this client sees them, the newest first; made one by one, as they are asked for. */
  pendingFor(client: Client): Generator<ApprovalRow> {
    return newestRows(this.#pending, client);
  }

  /** The same of the resolved ones. */
  resolvedFor(client: Client): Generator<ApprovalRow> {
    return newestRows(this.#resolved, client);
  }
}

function* newestRows(approvals: ReadonlyMap<string, Approval>, client: Client): Generator<ApprovalRow> {
  for (const approval of [...approvals.values()].reverse()) if (approval.isFor(client)) yield approval.rowFor(client);
}

/** What an approval keeps of details that an agent chose: all of it, or that it was too much. */
export function boundedDetails(kernel: Kernel, details: JsonObject): JsonObject {
  const bytes = jsonBytes(details);
  return bytes <= kernel.limits.maxPayloadBytes && kernel.get(APPROVALS).hasRoomFor(bytes)
    ? details
    : { truncated: true };
}

/** @throws {WireError} `-32020` where one client has too many approvals pending, or all of them too much in them. */
export function checkApprovalRoom(kernel: Kernel, from: Client, bytes: number): void {
  const { maxPendingApprovals, maxPendingApprovalBytes } = kernel.limits;
  if (approvalsOf(from).size >= maxPendingApprovals)
    throw WireError.limitExceeded('max_pending_approvals', maxPendingApprovals);
  if (!kernel.get(APPROVALS).hasRoomFor(bytes)) {
    throw WireError.limitExceeded('max_pending_approval_bytes', maxPendingApprovalBytes);
  }
}

/** Tells the log of events what became of an approval. The row is made for each reader, who may see more of it or less. */
export function announceApproval(
  kernel: Kernel,
  kind: 'approval.requested' | 'approval.resolved',
  approval: Approval,
): void {
  const { action, agentId } = approval.subject;
  const message =
    kind === 'approval.requested' ? `approval requested: ${action}` : `approval ${approval.status}: ${action}`;
  kernel.events.emit({
    tenant: approval.owner.tenant,
    kind,
    agentId: agentId ?? undefined,
    message,
    payload: approval.publicRow(),
    bytes: approval.bytes,
    views: approval.views(),
    audience: approval.audience,
  });
}
