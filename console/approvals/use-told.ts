import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApprovalRow } from '../../client/browser.ts';
import { approvals, pending } from '../approval-rows.ts';
import { count } from '../format.ts';
import { isFeedLive } from '../host-feed.ts';
import { isAnsweredHere } from './decide.ts';
import { readOnce } from './groups.ts';
import { endWords } from './use-desk.ts';

/** What happened since it was said last is said at once. Milliseconds. */
const PAUSE_MS = 1_000;

/** Says, for those who do not see the page, what came to the desk and what somebody else has answered. */
export function useTold(): string {
  const before = useRef<ReadonlySet<string> | undefined>(undefined);
  const arrived = useRef<ApprovalRow[]>([]);
  const ended = useRef<ApprovalRow[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [said, setSaid] = useState('');
  const waiting = pending.value;
  const isLive = isFeedLive.value;
  useEffect(() => {
    if (!isLive) return;
    const now = new Set(waiting.map(({ id }) => id));
    const last = before.current;
    before.current = now;
    // What was there when the page was opened has not come to it.
    if (!last) return;
    arrived.current.push(...waiting.filter(({ id }) => !last.has(id)));
    for (const id of last) {
      const row = approvals.peek().get(id);
      if (row && row.status !== 'pending' && !isAnsweredHere(id)) ended.current.push(row);
    }
    if (arrived.current.length + ended.current.length === 0) return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const sentences = [some(arrived.current, came, 'new requests'), some(ended.current, went, 'settled elsewhere')];
      arrived.current = [];
      ended.current = [];
      setSaid([...sentences, left()].filter(Boolean).join(' '));
    }, PAUSE_MS);
  }, [waiting, isLive]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return said;
}

/** One by its name, more by their number. */
function some(rows: readonly ApprovalRow[], one: (row: ApprovalRow) => string, many: string): string {
  const [only] = rows;
  if (only === undefined) return '';
  return rows.length > 1 ? `${count(rows.length)} ${many}.` : `${one(only)}.`;
}

const came = (row: ApprovalRow) => `New: ${readOnce(row).title}, from ${readOnce(row).raiser}`;
const went = (row: ApprovalRow) => `${readOnce(row).title}: ${endWords(row)}`;

const left = () => {
  const waiting = pending.peek().length;
  return waiting === 0 ? 'Nothing waits.' : `${count(waiting)} ${waiting === 1 ? 'waits' : 'wait'}.`;
};
