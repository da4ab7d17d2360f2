import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApprovalRow } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { brokerTime, shownAt } from '../broker-clock.ts';
import { age, count, moment, words } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { decide } from './decide.ts';
import { type Subject, subjectOf } from './subject.ts';

/** Less than this is little time. Milliseconds. */
const SOON_MS = 15_000;

interface ApprovalProps {
  row: ApprovalRow;
  /**
   * Where it is answered elsewhere, it stays as tall as it was: what moved up would come under somebody's pointer, who is
   * about to answer another one.
   */
  keepsItsPlace?: boolean;
  /** It was decided here: the next one's turn. */
  onDecided(title: string, status: string): void;
}

/** One approval: what is asked for, by whom, with what; and while it is pending, the answers. */
export function Approval({ row, keepsItsPlace = false, onDecided }: ApprovalProps) {
  const article = useRef<HTMLElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const [isWhole, setWhole] = useState(false);
  const subject = subjectOf(row, isWhole ? Number.POSITIVE_INFINITY : undefined);
  const isPending = row.status === 'pending';
  useLayoutEffect(() => {
    // The buttons go; who was on one of them stays with what they read.
    const { current } = article;
    if (!isPending && current?.contains(document.activeElement)) current.focus();
  }, [isPending]);
  const answer = async (resolution: string) => {
    // Not disabled while it is on its way: the focus would be lost.
    if (isBusy) return;
    setBusy(true);
    setProblem('');
    const outcome = await decide(row.id, resolution);
    setBusy(false);
    if (outcome.isDecided) onDecided(subject.title, outcome.status);
    else setProblem(outcome.problem);
  };
  const others = row.options.filter((option) => option !== 'approve' && option !== 'deny');
  return (
    <article
      ref={article}
      id={row.id}
      class="approval"
      data-status={row.status}
      aria-labelledby={`${row.id}-title`}
      aria-busy={isBusy}
      tabIndex={-1}
    >
      <header>
        <h2 id={`${row.id}-title`}>{subject.title}</h2>
        <Clock row={row} subject={subject} />
      </header>
      <About row={row} subject={subject} />
      <Preview id={row.id} subject={subject} onWhole={() => setWhole(true)} />
      {isPending || keepsItsPlace ? (
        <fieldset class={isPending ? 'answers' : 'answers answers-over'}>
          <legend class="hidden">Answer to {subject.title}</legend>
          <button type="button" class="primary" aria-disabled={isBusy} onClick={() => answer('approve')}>
            Approve
          </button>
          <button type="button" aria-disabled={isBusy} onClick={() => answer('deny')}>
            Deny
          </button>
          {others.length > 0 ? <span class="soft">or deny with</span> : null}
          {others.map((option) => (
            <button key={option} type="button" class="option" aria-disabled={isBusy} onClick={() => answer(option)}>
              {visibleLine(option)}
            </button>
          ))}
        </fieldset>
      ) : null}
      <p class="approval-note" role="status">
        {problem}
      </p>
    </article>
  );
}

/** While it is pending, the time left or spent; then how it ended and when. */
function Clock({ row, subject }: { row: ApprovalRow; subject: Subject }) {
  if (row.status !== 'pending') {
    const detail =
      row.resolution === undefined || EXPECTED.has(row.resolution) ? '' : ` (${visibleLine(row.resolution)})`;
    return (
      <p class="clock">
        <span class="state" data-tone={TONES[row.status]}>
          {words(row.status)}
          {detail}
        </span>{' '}
        {row.resolved_at === undefined ? null : moment(Date.parse(row.resolved_at))}
      </p>
    );
  }
  if (subject.expiresAt === undefined)
    return <p class="clock">waiting {age(shownAt.value - Date.parse(row.created_at))}</p>;
  const left = subject.expiresAt - brokerTime.value;
  return (
    <p class="clock" data-soon={left < SOON_MS}>
      {left > 0 ? `${age(left)} left` : 'out of time'}
    </p>
  );
}

/** Resolutions that say no more than the status does. */
const EXPECTED = new Set(['approve', 'approved', 'deny', 'denied', 'true', 'false', 'timeout', 'withdrawn', 'expired']);
const TONES = { approved: 'good', denied: 'bad', expired: 'off', withdrawn: 'off', pending: 'off' } as const;

function About({ row, subject }: { row: ApprovalRow; subject: Subject }) {
  return (
    <p class="about">
      from {subject.raiser}, {moment(Date.parse(row.created_at))}
      {subject.turnId === undefined ? null : (
        <>
          {' · '}
          <a href={link('charts', subject.turnId)}>
            <Id id={subject.turnId} />
          </a>
        </>
      )}
      {' · '}
      <code>{visibleLine(row.id)}</code>
    </p>
  );
}

function Preview({ id, subject, onWhole }: { id: string; subject: Subject; onWhole(): void }) {
  const { preview, rest, leftOut } = subject;
  if (preview === '' && rest === '') return null;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      {/* biome-ignore lint/a11y/useSemanticElements: no fields are in it, and of landmarks there may be one of a name */}
      <div role="group" class="preview" aria-label="Details" aria-describedby={`${id}-title`} tabIndex={0}>
        {preview === '' ? null : <pre>{preview}</pre>}
        {rest === '' ? null : <pre class="rest">{rest}</pre>}
      </div>
      {leftOut > 0 ? (
        <p class="soft">
          {count(leftOut)} more characters are not shown.{' '}
          <button type="button" class="small" onClick={onWhole}>
            Show everything
          </button>
        </p>
      ) : null}
    </>
  );
}
