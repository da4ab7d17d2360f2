import type { Arrow } from '../../charts/sequence.ts';

/** One step of playing: an arrow, and all that came of it until the next. */
export interface Moment {
  /** What the address calls it: the number of its first record. */
  readonly event: number;
  /** The last record that belongs to it. */
  readonly until: number;
  /** Unix milliseconds. */
  readonly at: number;
  /** Until then it lasts: of a run of tokens, when the last one came. */
  readonly busy: number;
}

/** The moments of a turn: one for each of its arrows. What comes before the first belongs to that. */
export function momentsOf(arrows: readonly Arrow[]): Moment[] {
  let latest = Number.NEGATIVE_INFINITY;
  return arrows.map(({ message }, index) => {
    const next = arrows[index + 1]?.message.sequence;
    // A record may be of an earlier time than the one before it: the time line goes forward.
    latest = Math.max(latest, message.at);
    const until = next === undefined ? Number.POSITIVE_INFINITY : next - 1;
    return { event: message.sequence, until, at: latest, busy: Math.max(latest, message.until) };
  });
}

/** The moment that a record belongs to; -1 where there is none. */
export function momentOf(moments: readonly Moment[], event: number): number {
  if (moments.length === 0) return -1;
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle]?.event ?? 0) <= event) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** The last moment that has come at a time; the first where none has. */
export function momentAt(moments: readonly Moment[], at: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
