import { useEffect, useRef } from 'preact/hooks';
import { count } from '../format.ts';
import { Clock } from './clock.tsx';
import { type Group, groupWith, readOnce } from './groups.ts';
import type { Desk } from './use-desk.ts';

/** Groups that are drawn, of those that wait. */
const MAX_ROWS = 200;

interface RowListProps {
  desk: Desk;
  /** One was chosen, by the pointer: on a narrow page it opens. */
  onOpen(): void;
}

/** What waits, one row for each request or for those that are the same. The focus is the list's: a row that goes takes none along. */
export function RowList({ desk, onOpen }: RowListProps) {
  const list = useRef<HTMLDivElement>(null);
  const { groups, shown } = desk;
  const current = groupWith(groups, shown?.id);
  const drawn = groups.slice(0, MAX_ROWS);
  const currentId = current && drawn.includes(current) ? optionId(current) : undefined;
  useEffect(() => {
    if (currentId !== undefined) document.getElementById(currentId)?.scrollIntoView({ block: 'nearest' });
  }, [currentId]);
  const pressed = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : undefined;
    if (event.key === 'Enter') onOpen();
    else if (step === undefined) return;
    else desk.step(step);
    event.preventDefault();
  };
  return (
    <>
      <div
        ref={list}
        class="rows"
        role="listbox"
        aria-label="Requests"
        tabIndex={0}
        aria-activedescendant={currentId}
        onKeyDown={pressed}
        onPointerLeave={desk.tidy}
      >
        {drawn.map((group) => (
          <Row
            key={group.key}
            group={group}
            isCurrent={group === current}
            desk={desk}
            onChoose={() => {
              const [row] = group.waiting.length > 0 ? group.waiting : group.settled;
              if (row && group !== current) desk.choose(row.id);
              onOpen();
            }}
          />
        ))}
      </div>
      {groups.length > MAX_ROWS ? (
        <p class="more">{count(groups.length - MAX_ROWS)} more wait; they come up as these are answered.</p>
      ) : null}
    </>
  );
}

const optionId = ({ key }: Group) => `${key}-row`;

interface RowProps {
  group: Group;
  isCurrent: boolean;
  desk: Desk;
  onChoose(): void;
}

function Row({ group, isCurrent, desk, onChoose }: RowProps) {
  const { waiting, settled } = group;
  const row = waiting[0] ?? settled.at(-1);
  if (!row) return null;
  const subject = readOnce(row);
  const problem = waiting.some(({ id }) => desk.problemOf(id) !== '');
  const isBusy = waiting.some(({ id }) => desk.isBusy(id));
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus, and the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and says which of them is chosen
    <div
      id={optionId(group)}
      class="row"
      role="option"
      aria-selected={isCurrent}
      data-status={row.status}
      onClick={onChoose}
    >
      <span class="row-title">{subject.title}</span>
      {waiting.length > 1 ? <span class="row-count">×{count(waiting.length)}</span> : null}
      <span class="row-who">{subject.raiser}</span>
      {isBusy ? <span class="clock">answering …</span> : <Clock row={row} subject={subject} />}
      {problem && !isBusy ? <span class="row-problem">not answered</span> : null}
    </div>
  );
}
