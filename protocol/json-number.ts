import { z } from 'zod';

/**
 * A number that is passed on, digit for digit: an integer beyond 2^53 is read as a bigint. For what the broker itself
 * counts with, `z.int()` and its bounds, which no such integer fits. Its type is what nearly everybody reads: only with
 * `exactJson` a client gets bigints.
 */
export const jsonNumber = z
  .custom<number>((value) => typeof value === 'number' || typeof value === 'bigint', 'expected a number')
  .meta({ type: 'number' });
