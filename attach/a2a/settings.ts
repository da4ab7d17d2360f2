import { z } from 'zod';
import { takes, toggle, variable } from '../settings.ts';

const isPlain = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && `${username}${password}${hash}` === '';
};

/** What `switchboard attach --agent ID --a2a CARD_URL` takes (`docs/agents.md`), and an entry with `a2a` of a file. */
export const a2aSettings = z.object({
  a2a: z.string().max(4_096).refine(isPlain).register(takes, {
    words:
      'the URL of an agent card, http or https, without credentials; what ends in / gets .well-known/agent-card.json',
    isSecret: true,
  }),
  'bearer-env': variable(),
  'header-env': z
    .string()
    .max(512)
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+=[A-Za-z_][A-Za-z0-9_]*$/)
    .optional()
    .register(takes, { words: "'Name=VAR', a header and the variable that its value is in", isSecret: true }),
  'allow-untrusted-endpoint': toggle(),
});
/** See {@link a2aSettings}. */
export type A2aSettings = z.output<typeof a2aSettings>;
