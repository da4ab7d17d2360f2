/** Longer ones are not looked at. */
const MAX_PATTERN = 200;
const MAX_VALUE = 1_000;
/** A group that is repeated, or a reference back: with these few characters can keep a page busy for hours. */
const REPEATED_GROUP = /\)[*+{?]|\\[1-9k]/;
const REPEATS = /[*+]|\{\d+,/g;
const MAX_REPEATS = 2;

/** Whether a value fits an agent's pattern. One that might keep the page busy is not tried: the agent checks itself. */
export function fits(pattern: string, value: string): boolean {
  if (pattern.length > MAX_PATTERN || value.length > MAX_VALUE || REPEATED_GROUP.test(pattern)) return true;
  if ((pattern.match(REPEATS)?.length ?? 0) > MAX_REPEATS) return true;
  try {
    return new RegExp(pattern).test(value);
  } catch {
    return true;
  }
}
