import type { ComponentChildren } from 'preact';
import { visibleLine } from '../protocol/visible.ts';
import { count } from './format.ts';

/** A column of a {@link Table}. */
export interface Column<Row> {
  title: string;
  /** What stands in it. */
  cell(row: Row): ComponentChildren;
  /** Numbers stand to the right. */
  isNumber?: boolean;
  /** The one column that says which row it is. */
  isHeading?: boolean;
}

interface TableProps<Row> {
  /** What it is of, for those who do not see it. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf(row: Row): string;
  /** What stands there when there are none. */
  empty: ComponentChildren;
  /** How many there are beyond these. */
  more?: number;
  /** On a narrow page each row stands below the other, one cell a line: its columns are many, and what is done is in the last. */
  stacks?: boolean;
}

/** A cell with a text that somebody else has chosen, of whatever length. */
export function Free({ text, isCode = false }: { text: string; isCode?: boolean }) {
  const Element = isCode ? 'code' : 'span';
  return (
    <Element class="free" title={visibleLine(text)}>
      {visibleLine(text)}
    </Element>
  );
}

/** Rows of things. Where it is too wide for the page it scrolls in a box of its own. */
export function Table<Row>({ label, columns, rows, keyOf, empty, more = 0, stacks = false }: TableProps<Row>) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    // biome-ignore lint/a11y/useSemanticElements: a section without a heading is none
    <div class={stacks ? 'scroll stacks' : 'scroll'} role="region" aria-label={label} tabIndex={0}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
                {title === '' ? <span class="hidden">Actions</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, isNumber, isHeading }) =>
                isHeading ? (
                  <th key={title} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={title} class={isNumber ? 'number' : undefined} data-title={stacks ? title : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 ? <p class="more">and {count(more)} more</p> : null}
    </div>
  );
}
