import { parseJson } from '../protocol/parse-json.ts';
import { writeJson } from '../protocol/write-json.ts';
import type { JsonCodec } from './place.ts';

/**
 * JSON in which integers keep their digits, for the option `json`: one beyond 2^53 is a bigint (`typeof id === 'bigint'`),
 * and bigints are written as integers. All others are numbers, as ever. Its own `stringify` is needed for what holds one:
 * `JSON.stringify` throws.
 */
export const exactJson = {
  parse: parseJson,
  /** @param indent spaces of one level, as `JSON.stringify` takes them. Default: all on one line. */
  stringify: (value: unknown, indent?: number): string => writeJson(value, indent),
} satisfies JsonCodec;
