import { InvalidArgumentError } from 'commander';

/** As long as a key may last. Not from the protocol, which brings its schemas along: a command's help needs none. */
const MOST_MS = 10 * 365 * 24 * 60 * 60 * 1000;

/** Milliseconds of each unit that a time is written in. */
export const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `15m`, `12h`, `30d`, `2w` in milliseconds. @throws {InvalidArgumentError} that says what it takes */
export function duration(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (ms > 0 && ms <= MOST_MS) return ms;
  throw new InvalidArgumentError('It takes a time such as 90s, 15m, 12h, 30d or 2w, ten years at most.');
}
