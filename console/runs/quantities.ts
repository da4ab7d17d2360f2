/* Amounts, stretches of time and moments, as a person types them. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const STRETCH = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|min|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|min|m|h|d)/g;
const AMOUNT = /^\d{1,15}(\.\d{1,9})?$/;
const DAY = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/;
const CLOCK = /^(\d\d?):(\d\d)(?::(\d\d))?$/;

/** `1.5s`, `2h30m`, in milliseconds; undefined: it is none. */
export function stretchOf(text: string): number | undefined {
  if (!STRETCH.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit = ''] of text.matchAll(PART)) ms += Number(number) * (UNITS[unit] ?? 0);
  return ms;
}

/** `12`, `0.5`; undefined: it is none. */
export function amountOf(text: string): number | undefined {
  return AMOUNT.test(text) ? Number(text) : undefined;
}

/** A moment that a person means. */
export type When =
  /** So long ago; milliseconds. */
  | { ago: number }
  /** Unix milliseconds. */
  | { at: number }
  /** The last time that a clock here showed this. */
  | { clock: readonly [hours: number, minutes: number, seconds: number] };

/** `2h`, `2026-11-30`, `2026-11-30T14:03`, `14:03`, on the clock of whoever looks; undefined: it is none. */
export function whenOf(text: string): When | undefined {
  const ago = stretchOf(text);
  if (ago !== undefined) return { ago };
  const day = DAY.exec(text);
  if (day) {
    const [year = 0, month = 0, date = 0, hours = 0, minutes = 0, seconds = 0] = day
      .slice(1)
      .map((part) => Number(part ?? 0));
    const moment = new Date(year, month - 1, date, hours, minutes, seconds);
    // The 31st of a month that has none would be the 1st of the next.
    const isThere =
      moment.getMonth() === month - 1 && moment.getDate() === date && hours < 24 && minutes < 60 && seconds < 60;
    return isThere ? { at: moment.getTime() } : undefined;
  }
  const clock = CLOCK.exec(text);
  if (!clock) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = clock.slice(1).map((part) => Number(part ?? 0));
  return hours < 24 && minutes < 60 && seconds < 60 ? { clock: [hours, minutes, seconds] } : undefined;
}

/** The moment in Unix milliseconds, never before 1970. @param now - Unix milliseconds */
export function momentOf(when: When, now: number): number {
  if ('at' in when) return Math.max(0, when.at);
  if ('ago' in when) return Math.max(0, now - when.ago);
  const moment = new Date(now);
  moment.setHours(...when.clock, 0);
  if (moment.getTime() > now) moment.setDate(moment.getDate() - 1);
  return Math.max(0, moment.getTime());
}
