import { visible, visibleLine } from '../protocol/visible.ts';
import { count } from './format.ts';

/** How much of a value is shown. Characters. */
const PREVIEW_LIMIT = 8_192;

/** A JSON value for people: a text as it is, anything else indented; nothing is unseen, what is too long is cut, and says so. */
export function preview(value: unknown, limit = PREVIEW_LIMIT): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
  return text.length <= limit
    ? visible(text)
    : `${visible(text.slice(0, limit))}\n… ${count(text.length - limit)} more characters`;
}

/** The same on one line, for a summary. */
export function oneLine(value: unknown, limit = 160): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, limit + 1);
  const line = text.replace(/\s+/g, ' ');
  return line.length <= limit ? visibleLine(line) : `${visibleLine(line.slice(0, limit))}…`;
}
