/** What an end means: it came out well; somebody wanted no more; nobody was left or decided in time; it failed. */
export type End = 'good' | 'calm' | 'warn' | 'bad';

/** By the names that charts give their ends. Others, a connection's `closed` say, mean neither good nor bad. */
const ENDS: Readonly<Record<string, End>> = {
  done: 'good',
  resolved: 'good',
  approved: 'good',
  ended: 'good',
  cancelled: 'calm',
  moved: 'calm',
  withdrawn: 'calm',
  abandoned: 'warn',
  expired: 'warn',
  denied: 'warn',
  failed: 'bad',
  lost: 'bad',
  rejected: 'bad',
  timedOut: 'bad',
  refused: 'bad',
};

/** What an end of that name means; undefined where it means nothing further. */
export const endOf = (name: string): End | undefined => (Object.hasOwn(ENDS, name) ? ENDS[name] : undefined);

/** The sign of an end, for who sees no colours: a path in a square of ten. */
export const END_SIGNS: Readonly<Record<End, string>> = {
  good: 'M1 5.5L4 8.5L9 1.5',
  calm: 'M1.5 1.5H8.5V8.5H1.5Z',
  warn: 'M5 1V6M5 8V9',
  bad: 'M1.5 1.5L8.5 8.5M8.5 1.5L1.5 8.5',
};
