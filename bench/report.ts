import type { Goal, Table } from './scenario.ts';
import { median, spread } from './stats.ts';

/** A median with the least and the greatest: `2.41 (2.30–2.66)`. */
export function withSpread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–';
  const [least, greatest] = spread(values).map((value) => number(value, digits));
  return `${number(median(values), digits)} (${least}–${greatest})`;
}

/** A number with so many decimals, and commas between thousands. */
export function number(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A table as text: the first column to the left, the others to the right. */
export function tableText({ title, columns, rows }: Table): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]) => {
    const cells = widths.map((width, column) => {
      const cell = line[column] ?? '';
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `  ${cells.join('   ')}`.trimEnd();
  };
  const rule = `  ${widths.map((width) => '─'.repeat(width)).join('   ')}`;
  return [title, render(columns), rule, ...rows.map(render)].join('\n');
}

/** The goals as text. */
export function goalsText(goals: readonly Goal[], isQuick: boolean): string {
  const rows = goals.map(({ what, wanted, measured, met }) => [what, wanted, measured, met ? 'met' : 'NOT MET']);
  const title = isQuick ? 'Goals (a quick run: no number in it is worth anything)' : 'Goals';
  return tableText({ title, columns: ['', 'wanted', 'measured', ''], rows });
}
