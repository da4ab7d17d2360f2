import type { ApprovalRow } from '../../protocol/approvals.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Client } from '../connection/client.ts';
import type { Approval } from './approval-record.ts';

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

  /** All rows as this client sees them, oldest first. */
  rowsFor(client: Client): ApprovalRow[] {
    return [...this.#resolved.values(), ...this.#pending.values()].map((approval) => approval.rowFor(client));
  }
}
