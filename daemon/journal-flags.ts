import { z } from 'zod';
import { DEFAULT_JOURNAL_BYTES } from '../turn-journal/open.ts';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import type { Source } from './sources.ts';

const group = 'What outlives the daemon';
/** Two segments, and what is being made ahead. Bytes. */
const LEAST_BYTES = 256 * 1024 * 1024;

/** The flags of the turns' journal (`docs/reliability.md`). */
export const journalFlags = {
  durable: z.enum(['off', 'process', 'disk']).default('process').register(flagInfo, {
    kind: 'text',
    group,
    does: 'what chats that may be resumed outlive: nothing, the end of this process, a power cut too',
    takes: 'one of off, process, disk',
    value: 'LEVEL',
  }),
  'journal-max': z
    .int()
    .min(LEAST_BYTES)
    .default(DEFAULT_JOURNAL_BYTES)
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'how much of the disk they may take, in bytes; for a while more where more is live',
      takes: `a number of bytes, ${LEAST_BYTES} or more`,
      value: 'N',
    }),
  'journal-repair': z.boolean().default(false).register(flagInfo, {
    kind: 'switch',
    group,
    does: 'pass over what of them is damaged on disk, and lose it',
    takes: 'true or false',
  }),
};

/** @throws ConfigError where one of them is given, and there is no journal */
export function checkJournal(durable: string, given: Source): void {
  if (durable !== 'off') return;
  for (const name of ['journal-max', 'journal-repair'] as const) {
    const flag = given.get(name);
    if (flag && flag.value !== false)
      throw new ConfigError(
        `${flag.label} goes with --durable process or disk, not with ${given.get('durable')?.label} off`,
      );
  }
}
