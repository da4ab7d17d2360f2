import { computed } from '@preact/signals';
import type { ApprovalRow } from '../client/browser.ts';
import { ofSession } from './sign-out.ts';

/** Resolved approvals that are kept, as many as the daemon keeps. */
const MAX_RESOLVED = 500;

/** Every approval that the daemon tells of, by its id, in the order in which they were raised. */
export const approvals = ofSession<ReadonlyMap<string, ApprovalRow>>(new Map());

/** Those that wait for somebody, the longest first. */
export const pending = computed(() => [...approvals.value.values()].filter(({ status }) => status === 'pending'));

/** Takes all of them, instead of those before. */
export function replaceApprovals(rows: readonly ApprovalRow[]): void {
  const sorted = [...rows].sort((one, other) => Date.parse(one.created_at) - Date.parse(other.created_at));
  approvals.value = new Map(sorted.map((row) => [row.id, row]));
}

/** Keeps rows as they are now; one that is resolved stays so, whatever comes late. */
export function keepApprovals(given: readonly ApprovalRow[]): void {
  const rows = new Map(approvals.peek());
  for (const row of given) {
    const known = rows.get(row.id);
    if (row.status !== 'pending' || known === undefined || known.status === 'pending') rows.set(row.id, row);
  }
  const resolved = [...rows.values()].filter(({ status }) => status !== 'pending');
  for (const { id } of resolved.slice(0, Math.max(0, resolved.length - MAX_RESOLVED))) rows.delete(id);
  approvals.value = rows;
}
