import type { ApprovalRow } from '../../protocol/approvals.ts';
import type { HostAgent } from '../../protocol/host.ts';
import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { JsonText } from '../kernel/json-text.ts';

/*
 * What several brokers have answered to the same, as rows of one answer (`docs/cluster.md`).
 */

/** The rows of one broker's answer, which stand under that name or are the answer. */
export function rowsOf<T = Record<string, unknown>>(answer: unknown, as?: string): T[] {
  const said = answer instanceof JsonText ? parseJson(answer.text) : answer;
  const rows = as === undefined ? said : isObject(said) && said[as];
  return Array.isArray(rows) ? (rows as T[]) : [];
}

/** Approvals of all brokers: those that are resolved and those that wait, each the newest first. */
export function approvalsOfAll(rows: readonly ApprovalRow[]): { resolved: ApprovalRow[]; pending: ApprovalRow[] } {
  const newest = (at: (row: ApprovalRow) => string | undefined) => (one: ApprovalRow, other: ApprovalRow) =>
    (at(other) ?? '').localeCompare(at(one) ?? '');
  return {
    resolved: rows.filter(({ status }) => status !== 'pending').sort(newest((row) => row.resolved_at)),
    pending: rows.filter(({ status }) => status === 'pending').sort(newest((row) => row.created_at)),
  };
}

/** Rows of `host.agents` of all brokers. Whoever only sees an agent attached says nothing of one that is registered. */
export function agentsOfAll(rows: readonly HostAgent[]): HostAgent[] {
  const registered = new Set(rows.flatMap(({ id, kind }) => (kind === 'attached' ? [] : [id])));
  return rows.filter(({ id, kind }) => kind !== 'attached' || !registered.has(id));
}
