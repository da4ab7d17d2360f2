/** How well a text fits what somebody typed, and which of its characters it was. */
export interface Match {
  /** The greater, the better. */
  score: number;
  /** Places of the characters that were typed, in order. */
  at: readonly number[];
}

/** A longer text is looked at this far: names are short, and prompts may be anything. Characters. */
const MAX_TEXT = 200;
/** Of what is typed, so many are looked for. Characters. */
const MAX_QUERY = 32;

/** At the beginning of a word. */
const WORD = 8;
/** Right behind the one before: more than a word’s beginning, or a row of initials would beat the word itself. */
const NEXT = 10;
/** What the text begins with. */
const FIRST = 6;
/** For each character that is skipped between two, three at most. */
const GAP = -1;

/**
 * Whether a text has the characters that somebody typed, in that order, and how well: beginnings of words and runs count
 * most. Capitals do not matter, nor do spaces in what was typed. The best of all ways to read it is taken.
 */
export function fuzzy(text: string, query: string): Match | undefined {
  const letters = [...query.slice(0, MAX_TEXT).toLowerCase().replaceAll(/\s+/g, '')].slice(0, MAX_QUERY).join('');
  if (letters === '') return { score: 0, at: [] };
  const whole = text.slice(0, MAX_TEXT);
  const lower = whole.toLowerCase();
  // Some letters grow when they become small; then places would be wrong.
  if (lower.length !== whole.length || !isWithin(lower, letters)) return undefined;
  return bestWay(whole, lower, letters);
}

function isWithin(text: string, letters: string): boolean {
  let from = 0;
  for (const letter of letters) {
    const found = text.indexOf(letter, from);
    if (found < 0) return false;
    from = found + letter.length;
  }
  return true;
}

/** A way to have read the letters so far: its score, and the place of the letter before the last. */
interface Way {
  score: number;
  before: number;
}

/** For each letter and each place that it may be: the best way there. */
function bestWay(text: string, lower: string, letters: string): Match | undefined {
  let last: Map<number, Way> | undefined;
  const ways: Map<number, Way>[] = [];
  for (let n = 0; n < letters.length; n += 1) {
    const here = new Map<number, Way>();
    for (let at = lower.indexOf(letters[n] ?? '', n); at >= 0; at = lower.indexOf(letters[n] ?? '', at + 1)) {
      const own = isBeginning(text, at) ? WORD + (at === 0 ? FIRST : 0) : 0;
      if (!last) {
        here.set(at, { score: 1 + own, before: -1 });
        continue;
      }
      let best: Way | undefined;
      for (const [before, way] of last) {
        if (before >= at) continue;
        const step = before === at - 1 ? NEXT : Math.max(3 * GAP, GAP * (at - before - 1));
        const score = way.score + step + 1 + own;
        if (!best || score > best.score) best = { score, before };
      }
      if (best) here.set(at, best);
    }
    ways.push(here);
    last = here;
  }
  let end = -1;
  let score = Number.NEGATIVE_INFINITY;
  for (const [at, way] of last ?? []) if (way.score > score) [end, score] = [at, way.score];
  if (end < 0) return undefined;
  const at: number[] = [];
  for (let n = letters.length - 1; n >= 0; n -= 1) {
    at.unshift(end);
    end = ways[n]?.get(end)?.before ?? -1;
  }
  // Of two that fit as well, the shorter one is meant.
  return { score: score - text.length / MAX_TEXT, at };
}

/** Whether a word begins there: behind what is no letter or digit, or with a capital behind a small one. */
function isBeginning(text: string, at: number): boolean {
  if (at === 0) return true;
  const [before = '', here = ''] = [text[at - 1], text[at]];
  if (/[^\p{L}\p{N}]/u.test(before)) return /[\p{L}\p{N}]/u.test(here);
  return /\p{Ll}/u.test(before) && /\p{Lu}/u.test(here);
}

/** Something that can be chosen by what it is called. */
export interface Findable {
  /** What it is called. */
  title: string;
  /** What else it is known by; a match there counts half. */
  hint?: string | undefined;
}

/** Something that was found. `at`: the characters of its title that fit. */
export interface Found<T> {
  item: T;
  at: readonly number[];
}

/** Those that fit what somebody typed, the best first, those that fit as well in the order in which they came. */
export function find<T extends Findable>(items: readonly T[], query: string, most: number): Found<T>[] {
  const found = items.flatMap((item) => {
    const title = fuzzy(item.title, query);
    const hint = title || item.hint === undefined ? undefined : fuzzy(`${item.hint} ${item.title}`, query);
    if (title) return [{ item, at: title.at, score: title.score }];
    return hint ? [{ item, at: [], score: hint.score / 2 }] : [];
  });
  return found
    .sort((one, other) => other.score - one.score)
    .slice(0, most)
    .map(({ item, at }) => ({ item, at }));
}
