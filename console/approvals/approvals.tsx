import { useEffect, useRef, useState } from 'preact/hooks';
import { approvals, pending } from '../approval-rows.ts';
import { count } from '../format.ts';
import { isFeedLive } from '../host-feed.ts';
import { route } from '../route.ts';
import './approvals.css';
import './told.css';
import { decideAll, tallyWords } from './decide.ts';
import { DenyMany } from './deny-many.tsx';
import { Detail, Past } from './detail.tsx';
import { type Group, groupWith } from './groups.ts';
import { usePressed } from './keys.ts';
import { KeysHelp } from './keys-help.tsx';
import { notices, toggleNotices } from './notices.ts';
import { RowList } from './row-list.tsx';
import { useDesk } from './use-desk.ts';
import { useTold } from './use-told.ts';

/** Cards of earlier ones that are drawn. */
const MAX_CARDS = 100;

/** What waits for a person, and what did: a list, and beside it the one that is looked at. */
export function Approvals() {
  const heading = useRef<HTMLHeadingElement>(null);
  const side = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState('');
  const [said, setSaid] = useState('');
  const [failed, setFailed] = useState('');
  /** On a narrow page one sees either the list, or one of it. */
  const [isOpen, setOpen] = useState(false);
  const [isHelp, setHelp] = useState(false);
  const [denying, setDenying] = useState<readonly Group[]>();
  const told = useTold();
  const desk = useDesk(
    filter,
    ({ id }, title, status) => {
      const left = pending.peek().filter((row) => row.id !== id).length;
      setFailed('');
      setSaid(`${title}: ${status}. ${left > 0 ? `${count(left)} left.` : 'Nothing else waits.'}`);
      if (left === 0 && side.current?.contains(document.activeElement)) heading.current?.focus();
    },
    (title, problem) => setFailed(`${title}: ${problem}`),
  );
  const { shown } = desk;
  const waiting = pending.value.length;
  const fitting = desk.groups.filter((group) => group.waiting.length > 0);
  const many = fitting.reduce((sum, group) => sum + group.waiting.length, 0);

  useAddressed((id) => {
    desk.choose(id);
    setOpen(true);
  });
  usePressed(({ key, repeat }) => {
    if (key === 'j') desk.step(1);
    else if (key === 'k') desk.step(-1);
    else if (key === '?' && !repeat) setHelp(true);
  });
  // Another one is looked at: whoever was in the one before stays with what stands there, as a whole, so that a second Enter
  // answers nothing.
  const wasInside = side.current?.contains(document.activeElement) ?? false;
  useEffect(() => {
    if (!wasInside || side.current?.contains(document.activeElement)) return;
    const article = side.current?.querySelector('article');
    if (document.activeElement !== document.body) return;
    article?.focus();
    article?.scrollIntoView({ block: 'nearest' });
  }, [shown?.id]);

  useEffect(() => {
    // On a narrow page the one takes the place of the other, and the focus goes along.
    const isHidden = list.current?.offsetParent === null;
    if (isOpen && isHidden) {
      side.current?.querySelector('article')?.focus({ preventScroll: true });
      scrollTo({ top: 0 });
    } else if (!isOpen && side.current?.offsetParent === null) {
      const rows = list.current?.querySelector<HTMLElement>('[role="listbox"]');
      if (document.activeElement === document.body) rows?.focus({ preventScroll: true });
      rows?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'center' });
    }
  }, [isOpen]);

  const answerAll = async (ids: readonly string[], resolution: 'approve' | 'deny') => {
    const what = resolution === 'approve' ? 'approved' : 'denied';
    const tally = await decideAll(ids, resolution);
    const isWhole = tally.problems.size === 0;
    (isWhole ? setSaid : setFailed)(tallyWords(tally, what));
    if (isWhole) setFailed('');
    if (shown) desk.moveOn(shown.id);
  };

  return (
    <div class="approvals" data-open={isOpen && shown !== undefined}>
      <div class="desk-head">
        <h1 ref={heading} tabIndex={-1}>
          Approvals
        </h1>
        <input
          type="search"
          aria-label="Filter"
          placeholder="Filter: agent, action, parameters"
          maxLength={200}
          autocomplete="off"
          spellcheck={false}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <span class="soft" aria-live="polite">
          {filter.trim() === '' ? '' : `${count(many)} of ${count(waiting)}`}
        </span>
        <button type="button" aria-disabled={many === 0} onClick={() => many > 0 && setDenying(fitting)}>
          {filter.trim() === '' ? 'Deny all …' : 'Deny these …'}
        </button>
        <NoticesButton />
        <button type="button" class="keys-button" onClick={() => setHelp(true)}>
          Keys <kbd>?</kbd>
        </button>
      </div>
      <p class="hidden" role="status" aria-label="Answered">
        {said}
      </p>
      <p class="hidden" role="status" aria-label="News">
        {told}
      </p>
      <p class="desk-failed" role="alert">
        {failed}
      </p>
      <div class="desk">
        <div ref={list} class="desk-list">
          {waiting === 0 && isFeedLive.value ? (
            <p class="empty">
              Nothing waits for you. A request that an agent asks about, or that <code>--approve METHOD</code> holds
              back, appears here at once.
            </p>
          ) : null}
          {desk.groups.length > 0 ? <RowList desk={desk} onOpen={() => setOpen(true)} /> : null}
          {desk.groups.length === 0 && waiting > 0 ? (
            <p class="empty">None of the {count(waiting)} that wait fits the filter.</p>
          ) : null}
        </div>
        <div ref={side} class="desk-detail">
          {shown === undefined ? null : (
            <>
              <button type="button" class="back" onClick={() => setOpen(false)}>
                ‹ All {count(waiting)}
              </button>
              <Detail
                // Opened on a narrow page it has only just come up.
                key={`${shown.id} ${isOpen}`}
                row={shown}
                alike={desk.alike}
                isBusy={desk.isBusy(shown.id)}
                problem={desk.problemOf(shown.id)}
                onAnswer={(resolution) => void desk.answer(shown, resolution)}
                onAnswerAll={answerAll}
              />
            </>
          )}
        </div>
      </div>
      <Earlier desk={desk} />
      {isHelp ? <KeysHelp onClose={() => setHelp(false)} /> : null}
      {denying === undefined ? null : (
        <DenyMany
          groups={denying}
          onClose={() => setDenying(undefined)}
          onDone={(tally) => {
            const words = tallyWords(tally, 'denied');
            setSaid(tally.problems.size === 0 ? words : '');
            setFailed(tally.problems.size === 0 ? '' : words);
            if (shown && groupWith(denying, shown.id)) desk.moveOn(shown.id);
          }}
        />
      )}
    </div>
  );
}

function Earlier({ desk: { earlier } }: { desk: ReturnType<typeof useDesk> }) {
  const [isOpen, setOpen] = useState(false);
  if (earlier.length === 0) return null;
  return (
    <details class="earlier" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Earlier ({count(earlier.length)})</summary>
      {isOpen ? earlier.slice(0, MAX_CARDS).map((row) => <Past key={row.id} row={row} />) : null}
      {isOpen && earlier.length > MAX_CARDS ? <p class="soft">The newest {MAX_CARDS} are shown.</p> : null}
    </details>
  );
}

const NOTICES = {
  on: 'Notifications are on',
  off: 'Notify me',
  blocked: 'Notifications are blocked',
  none: '',
} as const;

/** A notification on the desktop, for whoever wants one. */
function NoticesButton() {
  const { value } = notices;
  if (value === 'none') return null;
  const title =
    value === 'blocked'
      ? 'This browser blocks notifications of this page; its settings change that.'
      : 'Says the agent and the action, while you do not look at this page';
  return (
    <button
      type="button"
      aria-pressed={value === 'on'}
      aria-disabled={value === 'blocked'}
      title={title}
      onClick={() => value !== 'blocked' && void toggleNotices()}
    >
      {NOTICES[value]}
    </button>
  );
}

/** Calls with the approval that the address names (`#/approvals/ID`), once it is there. */
function useAddressed(choose: (id: string) => void): void {
  const taken = useRef<string | undefined>(undefined);
  const [, id] = route.value;
  const isThere = id !== undefined && approvals.value.has(id);
  useEffect(() => {
    if (!isThere || taken.current === id) return;
    taken.current = id;
    choose(id);
  }, [id, isThere]);
}
