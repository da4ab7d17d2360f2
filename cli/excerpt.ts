import { visibleLine } from '../protocol/visible.ts';
import { jsonText } from './with-host.ts';

/** Any JSON value as a few words on one line, in which nothing is unseen. A string goes without quotes. */
export function excerpt(value: unknown, max = 60): string {
  const text = typeof value === 'string' ? value : (jsonText(value) ?? '');
  return clip(visibleLine(text), max);
}

/** Cuts a text off where it would take more than so many columns of a terminal. */
export function clip(text: string, columns: number): string {
  let width = 0;
  let length = 0;
  /** As much as leaves a column for the ellipsis. */
  let kept = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) return `${text.slice(0, kept)}…`;
    length += character.length;
    if (width < columns) kept = length;
  }
  return text;
}

/** East Asian characters and emoji take two columns. */
function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0x2e80 || (code >= 0x1100 && code <= 0x115f) ? 2 : 1;
}
