import { z } from 'zod';

/** A moment as the broker writes it (`wire.md`, head): RFC 3339, in UTC, to the millisecond. */
export const moment = () => z.string().max(64);

/** Unix milliseconds as a {@link moment}. @throws {RangeError} beyond the year 275760 */
export function toMoment(unixMs: number): string {
  return new Date(Math.floor(unixMs)).toISOString();
}
