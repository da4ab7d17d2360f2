import { useEffect, useRef, useState } from 'preact/hooks';
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
  const arrived = useRef<string[]>([]);
  const ended = useRef<string[]>([]);
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
    for (const row of waiting) {
      if (last.has(row.id)) continue;
      const { title, raiser } = readOnce(row);
      arrived.current.push(`${title}, from ${raiser}`);
    }
    for (const id of last) {
      const row = approvals.peek().get(id);
      if (row && row.status !== 'pending' && !isAnsweredHere(id))
        ended.current.push(`${readOnce(row).title}: ${endWords(row)}`);
    }
    if (arrived.current.length + ended.current.length === 0) return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const sentences = [some(arrived.current, 'New: ', 'new requests'), some(ended.current, '', 'settled elsewhere')];
      arrived.current = [];
      ended.current = [];
      setSaid([...sentences, left()].filter(Boolean).join(' '));
    }, PAUSE_MS);
  }, [waiting, isLive]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return said;
}

/** One by its name, more by their number. */
function some(all: readonly string[], one: string, many: string): string {
  const [only] = all;
  if (only === undefined) return '';
  return all.length > 1 ? `${count(all.length)} ${many}.` : `${one}${only}.`;
}

const left = () => {
  const waiting = pending.peek().length;
  return waiting === 0 ? 'Nothing waits.' : `${count(waiting)} ${waiting === 1 ? 'waits' : 'wait'}.`;
};
