import { signal } from '@preact/signals';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { count } from '../format.ts';
import { useScroll } from '../use-scroll.ts';
import type { Arrow, Bracket, Sequence } from './sequence.ts';
import { type BracketPart, SequenceRow } from './sequence-row.tsx';
import { ROW_PX, windowOf } from './sequence-window.ts';

/** Whether each message between the broker's own actors is shown, for all sequences of the page. */
export const showsInside = signal(false);

/** The column of the times, and the room for a duration. Pixels. */
const TIME_PX = 72;
const TOOK_PX = 74;

interface SequenceRowsProps {
  /** The turn's name. */
  name: string;
  sequence: Sequence;
  /** What is said where there is no message. */
  empty: string;
  /** The arrow of the moment that is looked at. Default: none is. */
  current?: number | undefined;
  /** A person has pressed an arrow. */
  onChoose?: (arrow: Arrow) => void;
}

/** The messages of one turn as arrows between those who sent and heard them. Of very many, those in sight are drawn. */
export function SequenceRows({ name, sequence, empty, current, onChoose }: SequenceRowsProps) {
  const { lifelines, arrows, brackets, lanes, forgotten, isSampled } = sequence;
  const [opened, setOpened] = useState<{ sequence: number; more: number }>();
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const scroll = useScroll(box);
  const openRow = opened === undefined ? -1 : rowOf(arrows, opened.sequence);
  const open = openRow < 0 ? undefined : { row: openRow, more: opened?.more ?? 0 };
  // What stands above the rows scrolls with them.
  const above = list.current?.offsetTop ?? 0;
  const { first, end, before, behind } = windowOf(arrows.length, scroll.top - above, scroll.height, open);
  // Of very many brackets few pass what is in sight.
  const near = brackets.filter(({ from, to }) => from < end && to >= first);
  const gutter = TOOK_PX + lanes * 8;
  const columns = `${TIME_PX}px repeat(${lifelines.length * 2}, minmax(48px, 1fr)) ${gutter}px`;

  useEffect(() => {
    if (current !== undefined) bringIntoSight(box.current, list.current, current, open);
  }, [current, arrows.length > 0]);

  const press = useCallback(
    (arrow: Arrow) => {
      const { sequence: pressed } = arrow.message;
      setOpened((old) => (old?.sequence === pressed ? undefined : { sequence: pressed, more: 0 }));
      onChoose?.(arrow);
    },
    [onChoose],
  );
  const measured = useCallback((more: number) => setOpened((old) => old && { ...old, more }), []);

  return (
    <section class="sequence" aria-label={`Sequence of ${name}`}>
      <p class="sequence-tools">
        <label>
          <input
            type="checkbox"
            checked={showsInside.value}
            onChange={(event) => {
              showsInside.value = event.currentTarget.checked;
            }}
          />{' '}
          inside the broker too
        </label>
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a section without a heading is none */}
      <div
        ref={box}
        class="sequence-scroll"
        role="region"
        aria-label={`Messages of ${name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
      >
        <div
          class="sequence-width"
          style={{ minWidth: `${TIME_PX + gutter + lifelines.length * 96}px`, '--brackets': `${gutter}px` }}
        >
          <div class="lifelines" style={{ gridTemplateColumns: columns }}>
            {lifelines.map((lifeline, index) => (
              <div key={lifeline.party} class="lifeline" style={{ gridColumn: `${index * 2 + 2} / span 2` }}>
                <strong>{lifeline.title}</strong>
                <span class="soft" title={lifeline.detail}>
                  <bdi>{lifeline.detail}</bdi>
                </span>
              </div>
            ))}
          </div>
          <div class="sequence-body">
            <div class="threads" aria-hidden="true" style={{ gridTemplateColumns: columns }}>
              {lifelines.map(({ party }, index) => (
                <i key={party} style={{ gridColumn: `${index * 2 + 3}` }} />
              ))}
            </div>
            {forgotten > 0 ? <p class="soft">{count(forgotten)} earlier messages were left out.</p> : null}
            {isSampled ? (
              <p class="soft">
                Tokens came too fast to be told one by one: the number on each arrow is the one that the turn heard.
              </p>
            ) : null}
            {arrows.length === 0 ? <p class="empty">{empty}</p> : null}
            <ol ref={list} class="arrows" style={{ padding: `${before}px 0 ${behind}px` }}>
              {arrows.slice(first, end).map((arrow, place) => (
                <SequenceRow
                  key={arrow.message.sequence}
                  arrow={arrow}
                  row={first + place}
                  rows={arrows.length}
                  lifelines={lifelines}
                  columns={columns}
                  parts={partsAt(near, first + place)}
                  isOpen={opened?.sequence === arrow.message.sequence}
                  isCurrent={current === first + place}
                  isLater={current !== undefined && first + place > current}
                  onPress={press}
                  onHeight={measured}
                />
              ))}
            </ol>
          </div>
        </div>
      </div>
    </section>
  );
}

function partsAt(brackets: readonly Bracket[], row: number): BracketPart[] {
  return brackets
    .filter(({ from, to }) => from <= row && row <= to)
    .map((bracket) => {
      // One that nobody has answered has no end.
      const isEnd = bracket.to === row && bracket.took !== undefined;
      return { bracket, part: bracket.from === row ? 'begin' : isEnd ? 'end' : 'middle' };
    });
}

/** The row of a message; -1: it has none. */
function rowOf(arrows: readonly Arrow[], sequence: number): number {
  let [low, high] = [0, arrows.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = arrows[middle]?.message.sequence ?? 0;
    if (found === sequence) return middle;
    if (found < sequence) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function bringIntoSight(
  box: HTMLElement | null,
  list: HTMLElement | null,
  row: number,
  open: { row: number; more: number } | undefined,
): void {
  if (!box || !list) return;
  const top = list.offsetTop + row * ROW_PX + (open && row > open.row ? open.more : 0);
  const headPx = ROW_PX * 2;
  if (top - headPx < box.scrollTop) box.scrollTop = top - headPx;
  else if (top + ROW_PX * 2 > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW_PX * 2 - box.clientHeight;
}
