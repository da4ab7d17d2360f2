import type { ApprovalRow } from '../../client/browser.ts';
import { count } from '../format.ts';
import { readOnce } from './groups.ts';

/** Of the agent and of the action. Characters. */
const MAX_TEXT = 120;

/** What a notification says: the agent and the action, and nothing of what it would be done with. */
export function noticeOf(rows: readonly ApprovalRow[]): { title: string; body: string } | undefined {
  const [row] = rows;
  if (!row) return undefined;
  const others = rows.length > 1 ? `, and ${count(rows.length - 1)} more` : '';
  const { title, raiser } = readOnce(row);
  return { title: `Approval: ${cut(raiser)}`, body: `${cut(title)}${others}` };
}

const cut = (text: string) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
