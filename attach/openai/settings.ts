import { z } from 'zod';
import { count, takes, variable } from '../settings.ts';

const isBase = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
};

/** What `switchboard attach --agent ID --openai BASE_URL` takes (`docs/agents.md`), and an entry with `openai` of a file. */
export const openaiSettings = z.object({
  openai: z.string().max(4_096).refine(isBase).register(takes, {
    words: 'the base URL of an OpenAI-compatible server, like http://127.0.0.1:11434/v1, without a key',
    isSecret: true,
  }),
  model: z.string().min(1).max(1_024).register(takes, { words: 'the name of a model' }),
  'key-env': variable(),
  system: z
    .string()
    .min(1)
    .max(1024 * 1024)
    .optional()
    .register(takes, { words: 'a text, or @FILE' }),
  'max-steps': count(20, 1, 1_000),
  keep: count(200, 1, 100_000),
});
/** See {@link openaiSettings}. */
export type OpenaiSettings = z.output<typeof openaiSettings>;
