import { visibleLine } from '../protocol/visible.ts';

/** What a row is sorted by, and found by where it is a text. Undefined: nothing is known; such rows come last. */
export type SortValue = string | number | undefined;

/** A column that somebody has chosen to sort by. */
export interface Order {
  /** Its title. */
  title: string;
  isDown: boolean;
}

/** The order after somebody has pressed a column's title: first what one looks for, then the other way round, then as it was. */
export function nextOrder(order: Order | undefined, title: string, isNumber: boolean): Order | undefined {
  // The largest number is what one looks for, and the first word.
  if (order?.title !== title) return { title, isDown: isNumber };
  return order.isDown === isNumber ? { title, isDown: !isNumber } : undefined;
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Rows in an order: texts as a person would sort them (`agent-2` before `agent-10`), equal ones as they stood. */
export function sorted<Row>(
  rows: readonly Row[],
  by: (row: Row) => SortValue,
  { isDown }: Pick<Order, 'isDown'>,
): readonly Row[] {
  const keyed = rows.map((row) => ({ row, value: by(row) }));
  keyed.sort((one, other) => compare(one.value, other.value, isDown ? -1 : 1));
  return keyed.map(({ row }) => row);
}

function compare(one: SortValue, other: SortValue, sign: 1 | -1): number {
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  if (typeof one === 'number' && typeof other === 'number') return sign * (one - other);
  return sign * collator.compare(String(one), String(other));
}

/** The words of what somebody looks for. */
export function wordsOf(wanted: string): readonly string[] {
  return wanted.toLowerCase().split(/\s+/).filter(Boolean);
}

/** Whether each word stands in one of the texts, as they are or as they are shown. */
export function holds(texts: readonly SortValue[], words: readonly string[]): boolean {
  const all = texts
    .filter((text) => typeof text === 'string')
    .map((text) => `${text}\n${visibleLine(text)}`.toLowerCase());
  return words.every((word) => all.some((text) => text.includes(word)));
}
