import type { AttachFlags } from './attach.ts';
import { number } from './attach-values.ts';

/** The flags of `attach --openai`: `attach/openai/settings.ts` says what they take. */
export const OPENAI_FLAGS: AttachFlags = {
  heading: 'For a model behind an OpenAI-compatible URL:',
  add: (command) =>
    command
      .option('--openai <url>', 'its base URL, like http://127.0.0.1:11434/v1')
      .option('--model <name>', 'the model; a host may name another one')
      .option('--key-env <name>', 'the variable that its key is in (default: no key)')
      .option('--system <text>', 'its system prompt, or @FILE')
      .option('--max-steps <n>', 'how often it is asked in a turn, tools between (default: 20)', number)
      .option('--keep <n>', 'messages of a session that it is told of (default: 200)', number),
};
