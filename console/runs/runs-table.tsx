import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RecordedTurn } from '../../protocol/recording.ts';
import { useScroll } from '../use-scroll.ts';
import { COLUMNS, columnsOf, promptOf, type RunColumn } from './columns.tsx';
import type { Sort, SortKey } from './sort.ts';

/** How high a row is, and a card on a narrow page. Pixels, as in `runs.css`. */
const ROW_PX = 28;
const CARD_PX = 92;
const NARROW = '(max-width: 860px)';
/** Rows beyond those in sight that are drawn too, so that scrolling shows no gaps. */
const BEYOND = 10;

interface RunsTableProps {
  turns: readonly RecordedTurn[];
  sort: Sort;
  onSort(sort: Sort): void;
  /** Turns that are chosen to be compared, by id. */
  chosen: readonly string[];
  onChoose(id: string): void;
}

/** Thousands of turns, of which those in sight are drawn. What comes above them moves nothing that one reads. */
export function RunsTable({ turns, sort, onSort, chosen, onChoose }: RunsTableProps) {
  const box = useRef<HTMLDivElement>(null);
  const scroll = useScroll(box);
  const rowPx = useNarrow() ? CARD_PX : ROW_PX;
  const held = useRef<{ id: string; at: number }>(undefined);
  const columns = columnsOf(turns);

  const top = Math.floor(scroll.top / rowPx);
  // The turn at the upper edge stays there, whatever comes or goes above it.
  useLayoutEffect(() => {
    const before = held.current;
    const at = before ? turns.findIndex(({ turn_id }) => turn_id === before.id) : -1;
    if (before && at >= 0 && at !== before.at && box.current && box.current.scrollTop > 0)
      box.current.scrollTop += (at - before.at) * rowPx;
  }, [turns]);
  useLayoutEffect(() => {
    const { turn_id: id } = turns[top] ?? {};
    held.current = id === undefined || top === 0 ? undefined : { id, at: top };
  }, [turns, top]);

  const first = Math.max(0, Math.min(top, turns.length) - BEYOND);
  const last = Math.min(turns.length, top + Math.ceil(scroll.height / rowPx) + BEYOND);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    // biome-ignore lint/a11y/useSemanticElements: a section without a heading is none
    <div ref={box} class="runs-scroll" role="region" aria-label="Turns" tabIndex={0}>
      <div class="runs-space" style={{ height: `${turns.length * rowPx}px` }}>
        <table
          class="runs-table"
          style={{ marginTop: `${first * rowPx}px` }}
          aria-label="Turns"
          aria-rowcount={turns.length + 1}
        >
          <colgroup>
            <col class="col-choose" />
            {columns.map(({ key }) => (
              <col key={key} class={`col-${key}`} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">
                <span class="hidden">Compare</span>
              </th>
              {columns.map(({ key, title, about, isNumber }) => (
                <th
                  key={key}
                  scope="col"
                  class={isNumber ? 'number' : undefined}
                  aria-sort={sort.by === key ? (sort.isDown ? 'descending' : 'ascending') : undefined}
                >
                  <button type="button" class="quiet small" title={about} onClick={() => onSort(turned(sort, key))}>
                    {title}
                    <span aria-hidden="true">{sort.by === key ? (sort.isDown ? ' ↓' : ' ↑') : ''}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {turns.slice(first, last).map((turn, at) => (
              <Row
                key={turn.turn_id}
                turn={turn}
                columns={columns}
                index={first + at + 2}
                isChosen={chosen.includes(turn.turn_id)}
                onChoose={onChoose}
              />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface RowProps {
  turn: RecordedTurn;
  columns: readonly RunColumn[];
  /** Its place among all rows, the head being the first. */
  index: number;
  isChosen: boolean;
  onChoose(id: string): void;
}

function Row({ turn, columns, index, isChosen, onChoose }: RowProps) {
  return (
    <tr aria-rowindex={index} class={isChosen ? 'chosen' : undefined}>
      <td class="run-choose">
        <input
          type="checkbox"
          aria-label={`Compare: ${promptOf(turn)}`}
          checked={isChosen}
          onClick={() => onChoose(turn.turn_id)}
        />
      </td>
      {columns.map(({ key, title, cell, isNumber }) =>
        key === 'prompt' ? (
          <th key={key} scope="row" class="run-prompt">
            {cell(turn)}
          </th>
        ) : (
          <td key={key} class={`run-${key}${isNumber ? ' number' : ''}`} data-title={title}>
            {cell(turn)}
          </td>
        ),
      )}
    </tr>
  );
}

/** The same column again turns around. Numbers and times begin with the greatest, words with the first. */
export function turned(sort: Sort, by: SortKey): Sort {
  if (sort.by === by) return { by, isDown: !sort.isDown };
  const column = COLUMNS.find(({ key }) => key === by);
  return { by, isDown: by === 'time' || column?.isNumber === true };
}

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const list = matchMedia(NARROW);
    const hear = () => setNarrow(list.matches);
    list.addEventListener('change', hear);
    return () => list.removeEventListener('change', hear);
  }, []);
  return isNarrow;
}
