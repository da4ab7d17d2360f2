import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { count, duration, takes, toggle } from '../settings.ts';

const text = (words: string) =>
  z
    .string()
    .min(1)
    .max(4_096)
    .refine((value) => !value.includes('\0'))
    .register(takes, { words: words });

const WORD = z
  .string()
  .max(131_072)
  .refine((word) => !word.includes('\0'));

/** What `switchboard attach --agent ID -- COMMAND` takes (`docs/agents.md`), and an entry with `acp` of a file for `--attach`. */
export const acpSettings = z.object({
  acp: z
    .array(WORD)
    .min(1)
    .max(1_000)
    .refine(([program]) => program !== '')
    .register(takes, { words: 'the words of a command, the program first', isSecret: true }),
  cwd: text('a directory')
    .transform((path) => resolve(path))
    .default(() => process.cwd())
    .register(takes, { words: 'a directory' }),
  root: text('an absolute path')
    .refine((path) => isAbsolute(path))
    .optional()
    .register(takes, { words: 'an absolute path: the directory inside which hosts may choose' }),
  process: z.enum(['session', 'shared']).default('session').register(takes, { words: 'session or shared' }),
  spare: count(1, 0, 16),
  'max-processes': count(8, 1, 256),
  idle: duration(600_000),
  mode: text('a mode id').optional().register(takes, { words: 'the id of a mode that the agent offers' }),
  set: z
    .record(z.string().min(1).max(256), z.union([z.string().max(4_096), z.boolean()]))
    .default({})
    .register(takes, { words: 'CONFIG=VALUE, the id of an option that the agent offers and its value' }),
  auth: text('an auth method id')
    .optional()
    .register(takes, { words: 'the id of a way to authenticate that the agent offers' }),
  'start-timeout': duration(120_000),
  'cancel-grace': duration(10_000),
  'turn-timeout': duration(0, 0),
  env: z
    .record(z.string().regex(/^(?!SWITCHBOARD_)[^=\0\s]+$/i), WORD)
    .default({})
    .register(takes, { words: 'NAME=VALUE, and no NAME that begins with SWITCHBOARD_', isSecret: true }),
  'clean-env': toggle(),
  'no-tools': toggle(),
});
/** See {@link acpSettings}. */
export type AcpSettings = z.output<typeof acpSettings>;
