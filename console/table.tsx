import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { visibleLine } from '../protocol/visible.ts';
import { count } from './format.ts';
import { holds, nextOrder, type Order, type SortValue, sorted, wordsOf } from './table-order.ts';
import { useCards } from './use-cards.ts';

/** A column of a {@link Table}. */
export interface Column<Row> {
  title: string;
  /** What stands in it. */
  cell(row: Row): ComponentChildren;
  /** What its rows are sorted by, and, where it is a text, found by. Without it the column does neither. */
  by?(row: Row): SortValue;
  /** Numbers stand to the right. */
  isNumber?: boolean;
  /** The one column that says which row it is. */
  isHeading?: boolean;
}

interface TableProps<Row> {
  /** What it is of, for those who do not see it. */
  label: string;
  columns: readonly Column<Row>[];
  /** All of them, of which {@link TableProps.most} are drawn. */
  rows: readonly Row[];
  keyOf(row: Row): string;
  /** What stands there when there are none. */
  empty: ComponentChildren;
  /** So many rows are drawn at most. */
  most?: number;
  /** How many there are beyond these. */
  more?: number;
  /** False: something beside the table finds rows. */
  finds?: boolean;
}

/** From so many rows on there is a field to find one. */
const MANY = 9;
/** Longer ones are not looked for. */
const MAX_WANTED = 256;

/** A cell with a text that somebody else has chosen, of whatever length. */
export function Free({ text, isCode = false }: { text: string; isCode?: boolean }) {
  const Element = isCode ? 'code' : 'span';
  return (
    <Element class="free" title={visibleLine(text)}>
      {visibleLine(text)}
    </Element>
  );
}

/**
 * Rows of things: sorted by the title of a column that is pressed, found by a word where there are many. Where there is no
 * room for all columns each row is a card, with its cells below each other: nothing is cut off.
 */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, empty, most = Number.POSITIVE_INFINITY, more = 0, finds = true } = props;
  const [order, setOrder] = useState<Order>();
  const [wanted, setWanted] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const isCards = useCards(box);
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const words = wordsOf(wanted);
  const found =
    words.length === 0
      ? rows
      : rows.filter((row) =>
          holds(
            columns.map(({ by }) => by?.(row)),
            words,
          ),
        );
  const by = columns.find(({ title }) => title === order?.title)?.by;
  const inOrder = order && by ? sorted(found, by, order) : found;
  const left = Math.max(0, found.length - most) + (words.length === 0 ? Math.max(0, more) : 0);
  return (
    <>
      {finds && (rows.length >= MANY || wanted !== '') ? (
        <p class="find">
          <input
            type="search"
            aria-label={`Find in ${label}`}
            placeholder="Find"
            maxLength={MAX_WANTED}
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
          <span class="soft" role="status">
            {words.length > 0 ? `${count(found.length)} of ${count(rows.length)}` : ''}
          </span>
        </p>
      ) : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      {/* biome-ignore lint/a11y/useSemanticElements: it has no fields, and is no landmark of its own beside its section */}
      <div ref={box} class={isCards ? 'scroll cards' : 'scroll'} role="group" aria-label={label} tabIndex={0}>
        <table aria-label={label}>
          <thead>
            <tr>
              {columns.map((column) => (
                <Heading
                  key={column.title}
                  column={column}
                  order={order}
                  onPress={() => setOrder(nextOrder(order, column.title, column.isNumber === true))}
                />
              ))}
            </tr>
          </thead>
          <Body {...props} rows={inOrder.slice(0, most)} />
        </table>
        {found.length === 0 ? <p class="empty">None is like that.</p> : null}
        {left > 0 ? <p class="more">and {count(left)} more</p> : null}
      </div>
    </>
  );
}

interface HeadingProps<Row> {
  column: Column<Row>;
  order: Order | undefined;
  onPress(): void;
}

function Heading<Row>({ column: { title, by, isNumber }, order, onPress }: HeadingProps<Row>) {
  const isChosen = order?.title === title;
  return (
    <th
      scope="col"
      class={isNumber ? 'number' : undefined}
      aria-sort={isChosen ? (order.isDown ? 'descending' : 'ascending') : undefined}
    >
      {title === '' ? (
        <span class="hidden">Actions</span>
      ) : by ? (
        <button type="button" class="sort" onClick={onPress}>
          {title}
          <span class="sort-mark" aria-hidden="true">
            {isChosen ? (order.isDown ? '▾' : '▴') : ''}
          </span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}

function Body<Row>({ columns, rows, keyOf }: Pick<TableProps<Row>, 'columns' | 'rows' | 'keyOf'>) {
  return (
    <tbody>
      {rows.map((row) => (
        <tr key={keyOf(row)}>
          {columns.map(({ title, cell, isNumber, isHeading }) =>
            isHeading ? (
              <th key={title} scope="row">
                {cell(row)}
              </th>
            ) : (
              <td key={title} class={isNumber ? 'number' : undefined} data-title={title}>
                {cell(row)}
              </td>
            ),
          )}
        </tr>
      ))}
    </tbody>
  );
}
