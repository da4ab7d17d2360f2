import type { ApprovalRow } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { brokerTime, shownAt } from '../broker-clock.ts';
import { age, moment, words } from '../format.ts';
import type { Subject } from './subject.ts';

/** Less than this is little time. Milliseconds. */
const SOON_MS = 15_000;

/** While it is pending, the time left or spent; then how it ended and when. */
export function Clock({ row, subject }: { row: ApprovalRow; subject: Subject }) {
  if (row.status !== 'pending') {
    const detail =
      row.resolution === undefined || EXPECTED.has(row.resolution) ? '' : ` (${visibleLine(row.resolution)})`;
    return (
      <span class="clock">
        <span class="state" data-tone={TONES[row.status]}>
          {words(row.status)}
          {detail}
        </span>{' '}
        {row.resolved_at === undefined ? null : moment(Date.parse(row.resolved_at))}
      </span>
    );
  }
  if (subject.until !== undefined) return <span class="clock">until {subject.until}</span>;
  if (subject.expiresAt === undefined)
    return <span class="clock">waiting {age(shownAt.value - Date.parse(row.created_at))}</span>;
  const left = subject.expiresAt - brokerTime.value;
  return (
    <span class="clock" data-soon={left < SOON_MS}>
      {left > 0 ? `${age(left)} left` : 'out of time'}
    </span>
  );
}

/** Resolutions that say no more than the status does. */
const EXPECTED = new Set(['approve', 'approved', 'deny', 'denied', 'true', 'false', 'timeout', 'withdrawn', 'expired']);
const TONES = { approved: 'good', denied: 'bad', expired: 'off', withdrawn: 'off', pending: 'off' } as const;
