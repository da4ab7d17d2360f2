export { age, took } from '../protocol/durations.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB'];

/** Bytes for people: `0 B`, `1.4 KiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${short(value)} ${UNITS[unit]}`;
}

/** A number in few digits: `0`, `0.03`, `4.2`, `87`, `12,300`. */
export function short(value: number): string {
  if (value === 0) return '0';
  if (value < 0.01) return '<0.01';
  if (value < 1) return value.toFixed(2);
  if (value < 10) return Number.isInteger(value) ? String(value) : value.toFixed(1);
  return count(Math.round(value));
}

/** A whole number with its thousands set apart. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A moment on the clock of whoever looks: `14:03:22`, with its day where that is not today's. */
export function moment(at: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB');
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString('en-CA')} ${time}`;
}

/** A moment to the millisecond, on the clock of whoever looks: `14:03:22.041`. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** An agent's own deadline in Unix milliseconds: it may be seconds, milliseconds or a date. Anything else says nothing. */
export function deadlineOf(deadline: unknown): number | undefined {
  const number = typeof deadline === 'number' ? deadline : Date.parse(String(deadline ?? ''));
  if (!Number.isFinite(number) || number <= 0) return undefined;
  return number < 100_000_000_000 ? number * 1_000 : number;
}

/** What a machine calls something, for people: `agent_disconnected` as `agent disconnected`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}
