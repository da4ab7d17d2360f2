/** What a series does over time. */
export interface Trend {
  /** How much higher its line ends than it begins. In the values' unit; negative where it falls. */
  rise: number;
  /** How sure it is that it goes up at all, in standard deviations of a series that does not. */
  certainty: number;
}

/** Fewer values say nothing: even if each is above the last, that is chance too often. */
export const LEAST_VALUES = 6;

/**
 * Whether values measured at equal distances rise, whatever single ones do:
 *
 * - The slope is Theil and Sen's, the median of the slopes between all pairs. Up to a quarter of the values may be far
 *   off without moving it, where one would bend a line of least squares.
 * - The certainty is Mann and Kendall's: of all pairs, how many more rise than fall, against what chance does.
 */
export function trendOf(values: readonly number[]): Trend {
  const slopes: number[] = [];
  let rising = 0;
  for (const [i, early] of values.entries()) {
    for (const [j, late] of values.slice(i + 1).entries()) {
      slopes.push((late - early) / (j + 1));
      rising += Math.sign(late - early);
    }
  }
  const n = values.length;
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  // One less towards zero: the count goes in steps of two.
  const certainty = rising === 0 ? 0 : (rising - Math.sign(rising)) / deviation;
  return { rise: n < 2 ? 0 : median(slopes) * (n - 1), certainty };
}

/** That certain it has to be: one run in a hundred of nothing but chance is as much. */
const CERTAIN = 2.33;

/**
 * Whether values keep growing: surely, and by more than is tolerated.
 * @param tolerated the rise that is left to caches and to compiled code. In the values' unit.
 */
export function keepsGrowing(values: readonly number[], tolerated: number): boolean {
  if (values.length < LEAST_VALUES) return false;
  const { rise, certainty } = trendOf(values);
  return certainty > CERTAIN && rise > tolerated;
}

/** The middle one, or the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
