import type { AttachFlags } from './attach.ts';
import { number, pair } from './attach-values.ts';

/** The flags of `attach -- COMMAND`: `attach/acp/settings.ts` says what they take. */
export const ACP_FLAGS: AttachFlags = {
  heading: 'For a program that speaks ACP (after --):',
  add: (command) =>
    command
      .option('--cwd <dir>', 'where it runs and its sessions work (default: here)')
      .option('--root <dir>', 'let a host choose another cwd inside this directory')
      .option('--process <how>', 'session: a process for each session; shared: one for all (default: session)')
      .option('--spare <n>', 'processes kept ready (default: 1)', number)
      .option('--max-processes <n>', 'processes at once (default: 8)', number)
      .option('--idle <ms>', 'how long a process of a session without a turn is kept (default: 600000)', number)
      .option('--mode <id>', 'the mode that sessions begin in (default: the agent’s)')
      .option('--set <config=value>', 'an option of the agent’s sessions, repeatable', pair)
      .option('--auth <method>', 'authenticate this way after the start')
      .option('--start-timeout <ms>', 'how long it may take to start (default: 120000)', number)
      .option('--cancel-grace <ms>', 'how long a cancelled turn may take to end (default: 10000)', number)
      .option('--turn-timeout <ms>', 'how long a turn may take (default: no end)', number)
      .option('--env <name=value>', 'a variable for it, repeatable', pair)
      .option('--clean-env', 'give it PATH, HOME and the like alone of this environment')
      .option('--no-tools', 'do not offer it the tools of the host'),
};
