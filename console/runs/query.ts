import { RECORDED_STATES } from '../../protocol/recorded-states.ts';
import type { RecordedState, RecordedTurn, RecordedTurnsAsked } from '../../protocol/recording.ts';
import { FIELD_NAMES, GROUPS, NUMBER_FIELDS, TIME_FIELDS, WORD_FIELDS } from './fields.ts';
import { amountOf, momentOf, stretchOf, type When, whenOf } from './quantities.ts';
import { type Comparison, type Piece, piecesOf, type QueryFault, written } from './query-text.ts';

/** One thing that a query asks of a turn. All of them must hold. */
export type Term =
  | { kind: 'text'; text: string }
  /** `agent:a,b`: any of the values; with `isNot` none of them. */
  | { kind: 'words'; field: string; values: readonly string[]; isNot: boolean }
  /** `dur>5s`; the number is in milliseconds where it is a time. */
  | { kind: 'number'; field: string; comparison: Comparison; number: number; isNot: boolean }
  | { kind: 'time'; field: 'since' | 'until'; when: When };

/** A query line, read. */
export type ReadQuery = { terms: readonly Term[] } | { fault: QueryFault };

/** What the daemon is asked, and what of its answer is meant. */
export interface TurnQuery {
  /** Parameters of `inspect.turns`, but for the page. */
  params: Omit<RecordedTurnsAsked, 'limit' | 'cursor'>;
  /** Whether a turn that the daemon found is one. @param now - on the broker's clock, Unix ms */
  matches(turn: RecordedTurn, now: number): boolean;
}

/** What the daemon takes as an id, and as a name. Characters. */
const MAX_ID = 1_024;
const MAX_NAME = 256;

/**
 * Reads a query line: `agent:coder state:failed,refused -tool:grep dur>5s since:2h "no match"`. Words that stand side by
 * side are one text.
 */
export function readQuery(line: string): ReadQuery {
  const pieces = piecesOf(line);
  if ('message' in pieces) return { fault: pieces };
  const terms: Term[] = [];
  let words: Words | undefined;
  let before: Piece | undefined;
  for (const piece of pieces) {
    if (piece.field) {
      const term = termOf(piece, piece.field);
      if ('message' in term) return { fault: term };
      terms.push(term);
    } else {
      const fault = refuseWords(piece, words, before);
      if (fault) return { fault };
      words = joined(words, piece, line);
    }
    before = piece;
  }
  if (words) terms.push({ kind: 'text', text: words.text });
  return { terms };
}

interface Words {
  text: string;
  end: number;
  isQuoted: boolean;
}

/** The daemon looks for one text: several that stand apart, or in quotes of their own, are too many. */
function refuseWords(piece: Piece, words: Words | undefined, before: Piece | undefined): QueryFault | undefined {
  const { at, end, isNot, isQuoted } = piece;
  const [word = ''] = piece.values;
  if (isNot) return { at, end, message: `A text cannot be left out. In quotes it is looked for: "-${word}"` };
  if (word === '') return { at, end, message: 'There is nothing in these quotes.' };
  if (words && (before?.field || isQuoted || words.isQuoted))
    return {
      at,
      end,
      message: `One text is looked for, and that is “${words.text}”. Put all of it in one pair of quotes.`,
    };
  return undefined;
}

/** With the spaces as they were typed. */
function joined(words: Words | undefined, piece: Piece, line: string): Words {
  const { at, end, isQuoted } = piece;
  const [word = ''] = piece.values;
  return words ? { text: words.text + line.slice(words.end, at) + word, end, isQuoted } : { text: word, end, isQuoted };
}

function termOf(piece: Piece, { name, comparison }: { name: string; comparison: Comparison }): Term | QueryFault {
  const { at, end, isNot, values, valueAt } = piece;
  const nameEnd = valueAt - comparison.length;
  const field = { at: isNot ? at + 1 : at, end: nameEnd };
  if (!FIELD_NAMES.includes(name)) return { ...field, message: unknown(name, piece) };
  if (values.some((value) => value === '')) return { at, end, message: `A value is missing: ${exampleOf(name)}` };
  if (Object.hasOwn(WORD_FIELDS, name)) {
    if (comparison !== ':' && comparison !== '=')
      return { at: nameEnd, end: valueAt, message: `“${name}” is a word, which is not compared: ${exampleOf(name)}` };
    const refused = values.map((value) => WORD_FIELDS[name]?.refuse?.(value)).find((why) => why !== undefined);
    return refused === undefined
      ? { kind: 'words', field: name, values, isNot }
      : { at: valueAt, end, message: refused };
  }
  const [value = ''] = values;
  if (values.length > 1) return { at: valueAt, end, message: `“${name}” takes one value: ${exampleOf(name)}` };
  if (Object.hasOwn(TIME_FIELDS, name)) return timeOf(piece, name as 'since' | 'until', comparison, value);
  const isTime = NUMBER_FIELDS[name]?.unit === 'time';
  const number = isTime ? stretchOf(value) : amountOf(value);
  if (number === undefined) {
    const why = isTime ? 'is no time: write 500ms, 5s, 1m30s, 2h or 1d' : 'is no number';
    return { at: valueAt, end, message: `“${value}” ${why}.` };
  }
  return { kind: 'number', field: name, comparison, number, isNot };
}

function timeOf(piece: Piece, field: 'since' | 'until', comparison: Comparison, value: string): Term | QueryFault {
  const { at, end, isNot, valueAt } = piece;
  if (isNot)
    return {
      at,
      end,
      message: `“${field}” cannot be left out: turn it around with “${field === 'since' ? 'until' : 'since'}”.`,
    };
  if (comparison !== ':' && comparison !== '=')
    return {
      at: valueAt - comparison.length,
      end: valueAt,
      message: `“${field}” is not compared: ${exampleOf(field)}`,
    };
  const when = whenOf(value);
  return when === undefined
    ? { at: valueAt, end, message: `“${value}” is no time: write 2h (ago), 14:00, 2026-11-30 or 2026-11-30T14:00.` }
    : { kind: 'time', field, when };
}

const EXAMPLES: Readonly<Record<string, string>> = {
  state: 'state:failed,refused',
  error: 'error:*',
  since: 'since:2h',
  until: 'until:14:00',
};

function exampleOf(name: string): string {
  const example = EXAMPLES[name];
  if (example !== undefined) return example;
  if (Object.hasOwn(NUMBER_FIELDS, name)) return NUMBER_FIELDS[name]?.unit === 'time' ? `${name}>5s` : `${name}>=2`;
  return `${name}:name`;
}

function unknown(name: string, { values }: Piece): string {
  const near = FIELD_NAMES.find((one) => one.startsWith(name) || name.startsWith(one));
  const hint = near === undefined ? `They are ${FIELD_NAMES.join(', ')}.` : `Is “${near}” meant?`;
  const quoted = values.length === 1 ? ' To look for it as text, put it in quotes.' : '';
  return `There is no field “${name}”. ${hint}${quoted}`;
}

/** A query line that is read as these terms. */
export function writeQuery(terms: readonly Term[]): string {
  return terms.map(writtenTerm).join(' ');
}

function writtenTerm(term: Term): string {
  if (term.kind === 'text') return `"${term.text.replace(/["\\]/g, '\\$&')}"`;
  if (term.kind === 'time') return `${term.field}:${writtenWhen(term.when)}`;
  const not = term.isNot ? '-' : '';
  if (term.kind === 'words') return `${not}${term.field}:${term.values.map(written).join(',')}`;
  const unit = NUMBER_FIELDS[term.field]?.unit === 'time' ? 'ms' : '';
  return `${not}${term.field}${term.comparison}${term.number}${unit}`;
}

function writtenWhen(when: When): string {
  const two = (number: number) => String(number).padStart(2, '0');
  if ('ago' in when) return `${when.ago}ms`;
  if ('clock' in when) return when.clock.map(two).join(':');
  const date = new Date(when.at);
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

/** What the daemon is asked for these terms, and what is left to look at here. @param now - the broker's, Unix ms */
export function turnQuery(terms: readonly Term[], now: number): TurnQuery {
  const params: TurnQuery['params'] = {};
  const left: Term[] = [];
  for (const term of terms) {
    if (term.kind === 'text') params.text = term.text;
    else if (term.kind === 'time') {
      const moment = momentOf(term.when, now);
      if (term.field === 'since') params.since = Math.max(params.since ?? 0, moment);
      else params.until = Math.min(params.until ?? Number.POSITIVE_INFINITY, moment);
    } else if (!isAsked(term, params)) left.push(term);
  }
  return { params, matches: (turn, at) => left.every((term) => holdsFor(term, turn, at)) };
}

/** Whether the daemon looks by it: then it is in the parameters. */
function isAsked(term: Term, params: TurnQuery['params']): boolean {
  if (term.kind !== 'words' || term.isNot) return false;
  const [value = ''] = term.values;
  if (term.field === 'state' && params.state === undefined) {
    params.state = statesOf(term.values);
    return true;
  }
  if (term.values.length !== 1) return false;
  if (term.field === 'agent' && params.agent === undefined && value.length <= MAX_ID) {
    params.agent = value;
    return true;
  }
  if (term.field === 'tool' && params.tool === undefined && value.length <= MAX_NAME) {
    params.tool = value;
    return true;
  }
  return false;
}

function statesOf(values: readonly string[]): RecordedState[] {
  return RECORDED_STATES.filter((state) => values.some((value) => value === state || GROUPS[value]?.includes(state)));
}

function holdsFor(term: Term, turn: RecordedTurn, now: number): boolean {
  if (term.kind === 'words') {
    const { is } = WORD_FIELDS[term.field] ?? {};
    return is === undefined || term.values.some((value) => is(turn, value)) !== term.isNot;
  }
  if (term.kind !== 'number') return true;
  const number = NUMBER_FIELDS[term.field]?.of(turn, now);
  if (number === undefined) return term.isNot;
  return compare(number, term.comparison, term.number) !== term.isNot;
}

function compare(one: number, comparison: Comparison, other: number): boolean {
  switch (comparison) {
    case '>':
      return one > other;
    case '>=':
      return one >= other;
    case '<':
      return one < other;
    case '<=':
      return one <= other;
    default:
      return one === other;
  }
}
