import { z } from 'zod';

const isInt = (value: unknown): value is number | bigint => typeof value === 'bigint' || Number.isInteger(value);

/**
 * An integer that says how much somebody wishes and is clamped by whoever reads it: it may be as long as it likes, and beyond
 * 2^53 it reads as the greatest that can be counted with. What is refused beyond a bound is `z.int()`.
 */
export const clampedInt = (least?: number) =>
  z
    .custom<number>(
      (value) => isInt(value) && (least === undefined || value >= least),
      least === undefined ? 'expected an integer' : `expected an integer, at least ${least}`,
    )
    .overwrite((wished) => Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(wished))))
    .meta({ type: 'integer', ...(least === undefined ? {} : { minimum: least }) });

/** An integer that is passed on, digit for digit, and not counted with: see `jsonNumber`. */
export const passedInt = (least: number) =>
  z
    .custom<number>((value) => isInt(value) && value >= least, `expected an integer, at least ${least}`)
    .meta({ type: 'integer', minimum: least });
