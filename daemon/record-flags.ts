import { z } from 'zod';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import type { Source } from './sources.ts';

const group = 'What is recorded';
/** A turn has its least share of it. Bytes. */
const LEAST_BYTES = 1024 * 1024;
const MOST_TURNS = 100_000;
/** A year. */
const MOST_HOURS = 8_784;

/** The flags of the flight recorder (`docs/protocol.md` section 12). */
export const recordFlags = {
  record: z.enum(['off', 'memory', 'disk']).default('memory').register(flagInfo, {
    kind: 'text',
    group,
    does: 'where the last turns are kept, to be opened again: nowhere, in memory, or on disk, where they outlive the daemon',
    takes: 'one of off, memory, disk',
    value: 'WHERE',
  }),
  'record-turns': z
    .int()
    .min(1)
    .max(MOST_TURNS)
    .default(1_000)
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'how many turns',
      takes: `an integer from 1 to ${MOST_TURNS}`,
      value: 'N',
    }),
  'record-bytes': z
    .int()
    .min(LEAST_BYTES)
    .default(64 * 1024 * 1024)
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'how much memory they take, and about as much of the disk, in bytes',
      takes: `a number of bytes, ${LEAST_BYTES} or more`,
      value: 'N',
    }),
  'record-hours': z
    .int()
    .min(1)
    .max(MOST_HOURS)
    .default(24)
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'for how long after their end, in hours',
      takes: `an integer from 1 to ${MOST_HOURS}`,
      value: 'N',
    }),
};

/** @throws ConfigError where one of them is given, and nothing is recorded */
export function checkRecord(record: string, given: Source): void {
  if (record !== 'off') return;
  for (const name of ['record-turns', 'record-bytes', 'record-hours'] as const) {
    const flag = given.get(name);
    if (flag)
      throw new ConfigError(
        `${flag.label} goes with --record memory or disk, not with ${given.get('record')?.label} off`,
      );
  }
}
