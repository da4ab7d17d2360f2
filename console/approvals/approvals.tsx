import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApprovalRow } from '../../client/browser.ts';
import { approvals, pending } from '../approval-rows.ts';
import { isFeedLive } from '../host-feed.ts';
import { Approval } from './approval.tsx';
import './approvals.css';

/** Resolved ones that stay where they were while somebody looks. */
const MAX_STAYING = 50;
/** Cards that are drawn, of those that wait and those from before. */
const MAX_CARDS = 100;

/** What waits for a person, and what did. */
export function Approvals() {
  const seen = useRef(new Set<string>());
  const heading = useRef<HTMLHeadingElement>(null);
  const [said, setSaid] = useState('');
  for (const { id } of pending.value) seen.current.add(id);
  const rows = [...approvals.value.values()];
  const current = upper(rows, seen.current);
  const isCurrent = new Set(current);
  const earlier = rows.filter((row) => !isCurrent.has(row)).reverse();
  const waiting = pending.value.length;
  useEffect(() => {
    // Of what the daemon has forgotten, nobody needs to know that it was here.
    for (const id of seen.current) if (!approvals.value.has(id)) seen.current.delete(id);
  }, [approvals.value]);

  const decided = (title: string, status: string) => {
    const [next] = pending.peek();
    setSaid(`${title}: ${status}. ${next ? `${pending.peek().length} left.` : 'Nothing else waits.'}`);
    // To the next one as a whole, not to its buttons: a second Enter must not answer it.
    const target = next ? document.getElementById(next.id) : heading.current;
    target?.focus();
    target?.scrollIntoView({ block: 'nearest' });
  };

  return (
    <div class="approvals">
      <h1 ref={heading} tabIndex={-1}>
        Approvals
      </h1>
      <p class="hidden" role="status" aria-label="Answered">
        {said}
      </p>
      {waiting === 0 && isFeedLive.value ? (
        <p class="empty">
          Nothing waits for you. A request that an agent asks about, or that <code>--approve METHOD</code> holds back,
          appears here at once.
        </p>
      ) : null}
      <div>
        {current.slice(0, MAX_CARDS).map((row) => (
          <Approval key={row.id} row={row} keepsItsPlace onDecided={decided} />
        ))}
        {current.length > MAX_CARDS ? (
          <p class="more">{current.length - MAX_CARDS} more wait; they come up as these are answered.</p>
        ) : null}
      </div>
      {earlier.length > 0 ? (
        <details class="earlier">
          <summary>Earlier ({earlier.length})</summary>
          {earlier.slice(0, MAX_CARDS).map((row) => (
            <Approval key={row.id} row={row} onDecided={decided} />
          ))}
          {earlier.length > MAX_CARDS ? <p class="soft">The newest {MAX_CARDS} are shown.</p> : null}
        </details>
      ) : null}
    </div>
  );
}

/** The pending ones, and those that were when somebody looked: a row that is answered stays where it is, greyed out. */
function upper(rows: readonly ApprovalRow[], seen: ReadonlySet<string>): ApprovalRow[] {
  const shown = rows.filter(({ id }) => seen.has(id));
  let surplus = shown.filter(({ status }) => status !== 'pending').length - MAX_STAYING;
  return shown.filter(({ status }) => status === 'pending' || surplus-- <= 0);
}
