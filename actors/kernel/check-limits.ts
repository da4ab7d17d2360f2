import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.ts';
import { nearestOf } from '../../protocol/options.ts';

/** Longest that a timer may run: Node's own bound. */
const MAX_MS = 2 ** 31 - 1;

/**
 * The limits that an embedder wants, over the defaults; one that is `undefined` keeps its default.
 * @throws {RangeError} where one is unknown, or no number that could bound anything.
 */
export function checkLimits(wanted: Partial<Limits> = {}): Limits {
  const limits: Limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new RangeError(unknown(name));
    limits[name as keyof Limits] = name.endsWith('Ms') ? checkMs(`limits.${name}`, value) : checkCount(name, value);
  }
  return limits;
}

function unknown(name: string): string {
  const nearest = nearestOf(name, Object.keys(DEFAULT_LIMITS));
  return `limits.${name}: there is no such limit${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

/** @throws {RangeError} where `value` is no span of time that a timer could run. */
export function checkMs(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0 && value <= MAX_MS) return value;
  throw new RangeError(`${name} is 0 to ${MAX_MS} milliseconds`);
}

function checkCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`limits.${name} is a whole number from 0`);
}
