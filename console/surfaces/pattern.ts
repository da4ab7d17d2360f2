/** Longer ones are not looked at. */
const MAX_PATTERN = 200;
const MAX_VALUE = 1_000;
/** What one check may cost at most, and all of them in a second: steps of a matcher that tries every way. */
const MAX_STEPS = 2_000_000;
const MAX_STEPS_A_SECOND = 20_000_000;
/** Its characters are characters here, and its brackets are no groups: neither counts below. */
const ESCAPED_OR_CLASS = /\\[^1-9k]|\[(?:\\.|[^\]\\])*\]/gs;
/** Groups, alternatives and references back: what they cost cannot be told from their number. */
const BRANCHES = /[()|\\]/;
/** Whatever says how often, an optional `?` too. */
const QUANTIFIER = /[*+?]|\{(?<least>\d+)(?:,(?<most>\d*))?\}/g;

let since = Number.NEGATIVE_INFINITY;
let spent = 0;

/**
 * Whether a value fits an agent's pattern. The agent chooses both, and to look at its surface is enough: so what is tried
 * is only what cannot keep the page busy. Everything else counts as fitting, for the agent checks itself.
 */
export function fits(pattern: string, value: string, now = performance.now()): boolean {
  if (pattern.length > MAX_PATTERN || value.length > MAX_VALUE || !mayBeTried(pattern, value.length, now)) return true;
  try {
    return new RegExp(pattern).test(value);
  } catch {
    return true;
  }
}

function mayBeTried(pattern: string, length: number, now: number): boolean {
  const cost = steps(pattern, length);
  if (cost > MAX_STEPS) return false;
  if (now - since >= 1_000) {
    since = now;
    spent = 0;
  }
  spent += cost;
  return spent <= MAX_STEPS_A_SECOND;
}

/** How many steps it takes at most: each place to begin, with each way to divide the value among the quantifiers. */
function steps(pattern: string, length: number): number {
  const plain = pattern.replace(ESCAPED_OR_CLASS, 'x');
  if (BRANCHES.test(plain)) return Number.POSITIVE_INFINITY;
  let ways = pattern.startsWith('^') ? 1 : length + 1;
  for (const [quantifier, least, most] of plain.matchAll(QUANTIFIER)) {
    if (quantifier === '?') ways *= 2;
    else if (least === undefined || most === '') ways *= length + 1;
    // A `{2}` is no choice.
    else if (most !== undefined) ways *= Math.min(Math.max(Number(most) - Number(least), 0), length) + 1;
  }
  return ways * (length + 1);
}
