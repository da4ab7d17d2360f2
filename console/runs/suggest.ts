import { RECORDED_STATES } from '../../protocol/recorded-states.ts';
import { FIELD_NAMES, GROUPS, NUMBER_FIELDS, TIME_FIELDS, WORD_FIELDS } from './fields.ts';
import { written } from './query-text.ts';

/** Something that the word at the cursor may become. */
export interface Suggestion {
  /** What stands there then. */
  text: string;
  /** What it means; empty: it says so itself. */
  about: string;
}

/** What can be put in the place from `at` to `end` of a query line. */
export interface Suggestions {
  at: number;
  end: number;
  options: readonly Suggestion[];
}

/** Values that occur, by their field. */
export type Known = Readonly<Partial<Record<string, readonly string[]>>>;

/** So many are shown. */
const MAX_OPTIONS = 30;

/** What may stand at the cursor: the names of fields, or the values of the one that stands there. */
export function suggestionsAt(line: string, cursor: number, known: Known): Suggestions {
  const at = cursor - (/[^\s"]*$/.exec(line.slice(0, cursor))?.[0].length ?? 0);
  const end = cursor + (/^[^\s"]*/.exec(line.slice(cursor))?.[0].length ?? 0);
  const word = line.slice(at, cursor);
  const [, not = '', name = '', values] = /^(-?)([a-z_]*)(?::(.*))?$/.exec(word) ?? [];
  const none = { at, end, options: [] };
  if (values === undefined) {
    const names = word === not + name ? FIELD_NAMES.filter((one) => one.startsWith(name) && one !== name) : [];
    return {
      at,
      end,
      options: names.slice(0, MAX_OPTIONS).map((one) => ({ text: not + begun(one), about: aboutOf(one) })),
    };
  }
  const all = name === 'state' ? [...RECORDED_STATES, ...Object.keys(GROUPS)] : known[name];
  if (!all || !Object.hasOwn(WORD_FIELDS, name)) return none;
  const comma = values.lastIndexOf(',');
  const before = values.slice(0, comma + 1);
  const part = values.slice(comma + 1).toLowerCase();
  const fitting = all.filter((one) => one.toLowerCase().includes(part) && one.toLowerCase() !== part);
  return {
    at,
    end,
    options: fitting
      .slice(0, MAX_OPTIONS)
      .map((one) => ({ text: `${not}${name}:${before}${written(one)}`, about: '' })),
  };
}

/** A field with the sign that follows it. */
const begun = (name: string): string => (Object.hasOwn(NUMBER_FIELDS, name) ? `${name}>` : `${name}:`);

/** What a field means, for people. */
export function aboutOf(name: string): string {
  return WORD_FIELDS[name]?.about ?? NUMBER_FIELDS[name]?.about ?? TIME_FIELDS[name] ?? '';
}
