import type { ApprovalRow } from '../../client/browser.ts';
import { expiryOf, isCut, type Subject, subjectOf } from './subject.ts';

/** Requests that are the same as far as anybody can tell: same agent, action, method, parameters and answers. */
export interface Group {
  /** The oldest one's id. */
  key: string;
  /** Those that wait, the most urgent first. */
  waiting: readonly ApprovalRow[];
  /** Those that were answered while somebody looked, the newest last. */
  settled: readonly ApprovalRow[];
}

/** Of a gate's and a chat's row: what the broker has added, and no two requests share. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['session_id', 'turn_id', 'approval_id', 'deadline']);
/** How much of what is asked with a filter looks at. Characters. */
const MAX_SEARCHED = 20_000;

const subjects = new WeakMap<ApprovalRow, Subject>();
/** What a row is about; read once, a row being a new object when it changes. */
export function readOnce(row: ApprovalRow): Subject {
  const known = subjects.get(row) ?? subjectOf(row);
  subjects.set(row, known);
  return known;
}

const signatures = new WeakMap<ApprovalRow, string>();
/** What two rows must share to be one group. */
function signatureOf(row: ApprovalRow): string {
  const known = signatures.get(row) ?? sign(row);
  signatures.set(row, known);
  return known;
}

function sign({ id, origin, agent_id, action, details, options }: ApprovalRow): string {
  // Of what is not shown whole, nobody can say that it is the same.
  if (origin !== 'request' && (details.truncated === true || isCut(details))) return id;
  const said = origin === 'request' ? details : Object.entries(details).filter(([name]) => !OWN_FIELDS.has(name));
  return JSON.stringify([origin, agent_id, action, said, options]);
}

/** Sorts rows into groups: who has the least time first, then who waits the longest. An answered row keeps its place. */
export function groupsOf(rows: readonly ApprovalRow[]): Group[] {
  const groups = new Map<string, ApprovalRow[]>();
  for (const row of [...rows].sort(byUrgency)) {
    const signature = signatureOf(row);
    const members = groups.get(signature);
    if (members) members.push(row);
    else groups.set(signature, [row]);
  }
  return [...groups.values()].map((members) => ({
    key: members.reduce((one, other) => (other.created_at < one.created_at ? other : one)).id,
    waiting: members.filter(({ status }) => status === 'pending'),
    settled: members.filter(({ status }) => status !== 'pending'),
  }));
}

function byUrgency(one: ApprovalRow, other: ApprovalRow): number {
  const first = expiryOf(one) ?? Number.POSITIVE_INFINITY;
  const second = expiryOf(other) ?? Number.POSITIVE_INFINITY;
  // Of two that wait for ever the difference is no number.
  if (first !== second) return first - second;
  return Date.parse(one.created_at) - Date.parse(other.created_at) || (one.id < other.id ? -1 : 1);
}

/** Whether a group has all the words of a filter in what is shown of it, whatever the case. */
export function matches({ waiting, settled }: Group, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const [row] = [...waiting, ...settled];
  if (words.length === 0 || !row) return true;
  const { title, raiser, preview } = readOnce(row);
  const text = `${title}\n${raiser}\n${preview.slice(0, MAX_SEARCHED)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The group that has this row. */
export const groupWith = (groups: readonly Group[], id: string | undefined): Group | undefined =>
  groups.find(({ waiting, settled }) => [...waiting, ...settled].some((row) => row.id === id));

/**
 * The next request that waits, from this one on.
 * @param step 1: down the list, -1: up.
 * @returns nothing where there is none on that side.
 */
export function stepFrom(groups: readonly Group[], id: string | undefined, step: 1 | -1): ApprovalRow | undefined {
  const from = groupWith(groups, id);
  // It was answered, and one of its kind still waits.
  if (from && !from.waiting.some((row) => row.id === id) && from.waiting[0]) return from.waiting[0];
  const at = from ? groups.indexOf(from) : step > 0 ? -1 : groups.length;
  const ahead = step > 0 ? groups.slice(at + 1) : groups.slice(0, Math.max(0, at)).reverse();
  return ahead.find(({ waiting }) => waiting.length > 0)?.waiting[0];
}

/** What is to be looked at once this one was answered: of its kind, else the next below, else the first that waits. */
export function afterAnswer(groups: readonly Group[], id: string): ApprovalRow | undefined {
  const own = groupWith(groups, id)?.waiting.find((row) => row.id !== id);
  return own ?? stepFrom(groups, id, 1) ?? groups.flatMap(({ waiting }) => waiting).find((row) => row.id !== id);
}
