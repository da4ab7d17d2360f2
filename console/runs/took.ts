import { age, count, short } from '../format.ts';

/** How long something took: `340 ms`, `2.4 s`, `3 min 5 s`. */
export function took(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 60_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : age(ms);
}

/** The same where it may not be known. */
export const tookOr = (ms: number | undefined): string => (ms === undefined ? '' : took(ms));

/** So many a second; empty where that is not known. */
export const perSecond = (rate: number | undefined): string => (rate === undefined ? '' : `${short(rate)}/s`);

/** `1 approval`, `12 approvals`. */
export const counted = (number: number, name: string): string => `${count(number)} ${name}${number === 1 ? '' : 's'}`;
