import { computed } from '@preact/signals';
import type { ApprovalRow } from '../client/browser.ts';
import { nextFrame } from './next-frame.ts';
import { ofSession, onSignOut } from './sign-out.ts';

/** Resolved approvals that are kept, as many as the daemon keeps. */
const MAX_RESOLVED = 500;

/** Every approval that the daemon tells of, by its id, in the order in which they were raised. */
export const approvals = ofSession<ReadonlyMap<string, ApprovalRow>>(new Map());

/** Those that wait for somebody, the longest first. */
export const pending = computed(() => [...approvals.value.values()].filter(({ status }) => status === 'pending'));

/** What came since the page was drawn. */
let fresh: ApprovalRow[] = [];
onSignOut(() => {
  fresh = [];
});

/** Takes all of them, instead of those before. */
export function replaceApprovals(rows: readonly ApprovalRow[]): void {
  fresh = [];
  const sorted = [...rows].sort((one, other) => one.created_at - other.created_at);
  approvals.value = new Map(sorted.map((row) => [row.id, row]));
}

/** Keeps a row as it is now, before the page is drawn next: a thousand that come at once are one change. */
export function takeApproval(row: ApprovalRow): void {
  fresh.push(row);
  if (fresh.length === 1) nextFrame(keepFresh);
}

/** Keeps a row as it is now, at once. */
export function keepApproval(row: ApprovalRow): void {
  fresh.push(row);
  keepFresh();
}

function keepFresh(): void {
  if (fresh.length === 0) return;
  const rows = new Map(approvals.peek());
  for (const row of fresh) rows.set(row.id, row);
  fresh = [];
  const resolved = [...rows.values()].filter(({ status }) => status !== 'pending');
  for (const { id } of resolved.slice(0, Math.max(0, resolved.length - MAX_RESOLVED))) rows.delete(id);
  approvals.value = rows;
}
