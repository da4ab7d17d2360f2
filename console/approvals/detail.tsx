import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApprovalRow } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { count, moment } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { Clock } from './clock.tsx';
import { isAnsweredHere } from './decide.ts';
import { usePressed } from './keys.ts';
import { useSettled } from './settled.ts';
import { MAX_PREVIEW, type Subject, subjectOf } from './subject.ts';
import { Told } from './told.tsx';
import { TurnBeside } from './turn-beside.tsx';
import { endWords } from './use-desk.ts';

/** A key that answers is waited out so long: another one right behind it is somebody's typing. Milliseconds. */
const TYPING_MS = 250;

interface DetailProps {
  row: ApprovalRow;
  /** Others that wait and are the same. */
  alike: readonly ApprovalRow[];
  isBusy: boolean;
  /** Why the last answer did not decide. */
  problem: string;
  onAnswer(resolution: string): void;
  /** It and those that are the same. */
  onAnswerAll(ids: readonly string[], resolution: 'approve' | 'deny'): void;
}

/** One approval that is looked at: what is asked for, by whom, with what; while it is pending the answers; and its turn. */
export function Detail(props: DetailProps) {
  const { row, isBusy } = props;
  const article = useRef<HTMLElement>(null);
  const isPending = row.status === 'pending';
  const wasInside = article.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    // The buttons are gone; who was on one of them stays with what they read.
    if (!isPending && wasInside) article.current?.focus();
  }, [isPending]);
  return (
    <Card row={row} box={article} isBusy={isBusy}>
      {(subject) => (
        <>
          {isPending ? <Answers {...props} title={subject.title} /> : null}
          {isPending || isAnsweredHere(row.id) ? null : <p class="missing">Settled: {endWords(row)}.</p>}
          {subject.turnId === undefined ? null : <TurnBeside turnId={subject.turnId} />}
        </>
      )}
    </Card>
  );
}

/** One that was answered before. */
export function Past({ row }: { row: ApprovalRow }) {
  return <Card row={row} isBusy={false} />;
}

interface CardProps {
  row: ApprovalRow;
  box?: { current: HTMLElement | null };
  isBusy: boolean;
  /** What stands below what is asked for. */
  children?(subject: Subject): preact.ComponentChildren;
}

function Card({ row, box, isBusy, children }: CardProps) {
  const [isWhole, setWhole] = useState(false);
  const most = isWhole ? Number.POSITIVE_INFINITY : MAX_PREVIEW;
  const subject = subjectOf(row, most);
  const titleId = `${row.id}-title`;
  return (
    <article
      {...(box === undefined ? {} : { ref: box })}
      id={row.id}
      class="approval"
      data-status={row.status}
      aria-labelledby={titleId}
      aria-busy={isBusy}
      tabIndex={-1}
    >
      <header>
        <h2 id={titleId}>{subject.title}</h2>
        <Clock row={row} subject={subject} />
      </header>
      <p class="about">
        from {subject.raiser}, {moment(Date.parse(row.created_at))}
        {row.broker === undefined ? '' : ` · at broker ${visibleLine(row.broker)}`}
        {subject.turnId === undefined ? null : (
          <>
            {' · '}
            <a href={link('charts', subject.turnId)}>
              <Id id={subject.turnId} />
            </a>
          </>
        )}
      </p>
      <Told titleId={titleId} subject={subject} most={most} onWhole={() => setWhole(true)} />
      <details class="fold">
        <summary>Ids</summary>
        <p>
          approval <code>{visibleLine(row.id)}</code>
        </p>
        {subject.rest === '' ? null : <pre class="rest">{subject.rest}</pre>}
      </details>
      {children?.(subject)}
    </article>
  );
}

/** The answers, by button and by key, once it has been there long enough to be meant. */
function Answers({ row, alike, isBusy, problem, title, onAnswer, onAnswerAll }: DetailProps & { title: string }) {
  const ids = [row.id, ...alike.map(({ id }) => id)];
  const settled = useSettled(ids);
  const all = ids.filter((id) => settled.has(id));
  const isReady = settled.has(row.id) && !isBusy;
  const [note, setNote] = useState('');
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(typing.current), []);
  const answer = (resolution: string) => {
    setNote(isReady || isBusy ? '' : 'This has only just come up. Answer it once you have read it.');
    // Not disabled meanwhile: the focus would be lost.
    if (isReady) onAnswer(resolution);
  };
  const buttons = useRef<HTMLFieldSetElement>(null);
  usePressed(({ key, repeat }) => {
    // A key that is held down was meant once; and what is not to be seen, on a narrow page, is not answered.
    if (repeat || buttons.current?.offsetParent === null) return;
    if (typing.current !== undefined) {
      clearTimeout(typing.current);
      typing.current = undefined;
      return setNote('More keys came than one, as if a text was being typed: nothing was answered.');
    }
    const resolution = key === 'a' ? 'approve' : key === 'd' ? 'deny' : undefined;
    if (resolution === undefined) return;
    if (!isReady) return answer(resolution);
    typing.current = setTimeout(() => {
      typing.current = undefined;
      answer(resolution);
    }, TYPING_MS);
  });
  const others = row.options.filter((option) => option !== 'approve' && option !== 'deny');
  return (
    <>
      <fieldset ref={buttons} class="answers">
        <legend class="hidden">Answer to {title}</legend>
        <button
          type="button"
          class="primary"
          aria-disabled={!isReady}
          aria-keyshortcuts="a"
          onClick={() => answer('approve')}
        >
          Approve
        </button>
        <button type="button" aria-disabled={!isReady} aria-keyshortcuts="d" onClick={() => answer('deny')}>
          Deny
        </button>
        {others.length > 0 ? <span class="soft">or deny with</span> : null}
        {others.map((option) => (
          <button key={option} type="button" class="option" aria-disabled={!isReady} onClick={() => answer(option)}>
            {visibleLine(option)}
          </button>
        ))}
      </fieldset>
      {alike.length === 0 ? null : (
        <fieldset class="answers answers-all">
          <legend class="soft">
            {count(ids.length)} are the same: this one, and {count(alike.length)} more.
          </legend>
          {(['approve', 'deny'] as const).map((resolution) => (
            <button
              key={resolution}
              type="button"
              aria-disabled={isBusy || all.length < 2}
              onClick={() => isBusy || all.length < 2 || onAnswerAll(all, resolution)}
            >
              {resolution === 'approve' ? 'Approve' : 'Deny'} all {count(all.length < 2 ? ids.length : all.length)}
            </button>
          ))}
        </fieldset>
      )}
      <p class="approval-note" role="status">
        {note || problem}
      </p>
    </>
  );
}
