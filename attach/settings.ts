import { z } from 'zod';
import { agentId } from '../protocol/ids.ts';

/** What a setting takes, to follow "takes" in an error. */
export const takes = z.registry<{
  words: string;
  /** What it was given is not told again: somebody may have put there what is secret. */
  isSecret?: boolean;
}>();

/** Timers cannot wait longer: beyond it they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A time in milliseconds. @param least 0 where that means "not at all". */
export function duration(defaultMs: number, least = 1) {
  const schema = z.int().min(least).max(MAX_DELAY_MS).default(defaultMs);
  return schema.register(takes, { words: `milliseconds, an integer from ${least} to ${MAX_DELAY_MS}` });
}

/** A number of things. */
export function count(defaultCount: number, min: number, max: number) {
  const schema = z.int().min(min).max(max).default(defaultCount);
  return schema.register(takes, { words: `an integer from ${min} to ${max}` });
}

/** On or off; off by default. */
export function toggle() {
  return z.boolean().default(false).register(takes, { words: 'true or false' });
}

/** The name of a variable of this process, which may be left out. */
export function variable() {
  const schema = z
    .string()
    .max(256)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .optional();
  return schema.register(takes, { words: 'the name of an environment variable, not its value', isSecret: true });
}

/** What every attached agent has, whatever its kind. */
export const common = {
  id: z
    .string()
    .refine((id) => agentId.safeParse(id).success)
    .register(takes, { words: 'an agent id: 1 to 128 of letters, digits and . _ -' }),
};
