import { count, short, took } from '../format.ts';

/** How long something took; empty where that is not known. */
export const tookOr = (ms: number | undefined): string => (ms === undefined ? '' : took(ms));

/** So many a second; empty where that is not known. */
export const perSecond = (rate: number | undefined): string => (rate === undefined ? '' : `${short(rate)}/s`);

/** `1 approval`, `12 approvals`. */
export const counted = (number: number, name: string): string => `${count(number)} ${name}${number === 1 ? '' : 's'}`;
