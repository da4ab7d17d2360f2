/** A fault of a query, and the place in the text that it is about: code units, `end` not included. */
export interface QueryFault {
  at: number;
  end: number;
  message: string;
}

/** How a field is compared. */
export type Comparison = ':' | '=' | '>' | '>=' | '<' | '<=';

/** A piece of a query line, before anybody knows what its field means. */
export interface Piece {
  at: number;
  end: number;
  /** It began with a `-`: whatever is like that is left out. */
  isNot: boolean;
  /** Absent: words to look for. */
  field?: { name: string; comparison: Comparison };
  /** What stands behind the field, or the words: several where commas part them. */
  values: readonly string[];
  /** Where the values begin. */
  valueAt: number;
  /** Words in quotes are looked for as they stand. */
  isQuoted: boolean;
}

/** A query line may have so many characters: it goes into the address. */
export const MAX_QUERY = 2_000;

const FIELD = /([A-Za-z_]+)(>=|<=|[:=<>])/y;
const BARE = /[^\s"]+/y;
const BARE_VALUE = /[^\s",]*/y;

/** Takes a query line apart. Whatever the text: pieces, or the first fault. */
export function piecesOf(text: string): readonly Piece[] | QueryFault {
  if (text.length > MAX_QUERY)
    return {
      at: MAX_QUERY,
      end: text.length,
      message: `A query has ${MAX_QUERY.toLocaleString('en-US')} characters at most.`,
    };
  const pieces: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at += 1;
      continue;
    }
    const piece = pieceAt(text, at);
    if ('message' in piece) return piece;
    pieces.push(piece);
    at = piece.end;
  }
  return pieces;
}

function pieceAt(text: string, at: number): Piece | QueryFault {
  const isNot = text[at] === '-' && at + 1 < text.length && !/\s/.test(text[at + 1] ?? '');
  const begin = isNot ? at + 1 : at;
  const found = match(FIELD, text, begin);
  if (!found) return wordsAt(text, at, begin, isNot);
  const [whole, name = '', comparison = ':'] = found;
  const values: string[] = [];
  let isQuoted = false;
  let next = begin + whole.length;
  const valueAt = next;
  for (;;) {
    if (text[next] === '"') {
      const quoted = quotedAt(text, next);
      if ('message' in quoted) return quoted;
      values.push(quoted.value);
      next = quoted.end;
      isQuoted = true;
    } else {
      const [value = ''] = match(BARE_VALUE, text, next) ?? [];
      values.push(value);
      next += value.length;
    }
    if (text[next] !== ',') break;
    next += 1;
  }
  if (next < text.length && !/\s/.test(text[next] ?? ''))
    return { at: next, end: next + 1, message: 'A quote stands around a whole value: put a space before it.' };
  const field = { name: name.toLowerCase(), comparison: comparison as Comparison };
  return { at, end: next, isNot, field, values, valueAt, isQuoted };
}

function wordsAt(text: string, at: number, begin: number, isNot: boolean): Piece | QueryFault {
  if (text[begin] === '"') {
    const quoted = quotedAt(text, begin);
    if ('message' in quoted) return quoted;
    return { at, end: quoted.end, isNot, values: [quoted.value], valueAt: begin, isQuoted: true };
  }
  const [word = ''] = match(BARE, text, begin) ?? [];
  return { at, end: begin + word.length, isNot, values: [word], valueAt: begin, isQuoted: false };
}

/** What stands in the quotes that begin there; `\"` and `\\` are those characters. */
function quotedAt(text: string, at: number): { value: string; end: number } | QueryFault {
  let value = '';
  for (let next = at + 1; next < text.length; next += 1) {
    const character = text[next] ?? '';
    if (character === '"') return { value, end: next + 1 };
    const escaped = text[next + 1];
    if (character === '\\' && (escaped === '"' || escaped === '\\')) {
      value += escaped;
      next += 1;
    } else value += character;
  }
  return { at, end: text.length, message: 'This quote is not closed.' };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** A value as a query line has it: in quotes where it would be read as something else. */
export function written(value: string): string {
  return /^[^\s",:=<>\\-][^\s",\\]*$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
