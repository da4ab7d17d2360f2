import type { Command, Option } from 'commander';
import { A2A_FLAGS } from './attach-a2a.ts';
import { ACP_FLAGS } from './attach-acp.ts';
import { OPENAI_FLAGS } from './attach-openai.ts';
import type { Io } from './io.ts';
import { type ConnectionFlags, connectionFlags } from './with-host.ts';

/** The flags of one kind of agents. Their names are those of its settings (`attach/`), in an object as commander reads them. */
export interface AttachFlags {
  /** Above them in the help. */
  heading: string;
  add(command: Command): void;
}

const KINDS: readonly AttachFlags[] = [ACP_FLAGS, OPENAI_FLAGS, A2A_FLAGS];

/** The flags that are not of one kind of agents. */
export interface CommonFlags extends ConnectionFlags {
  agent: string;
  wait?: boolean;
  logLevel: string;
}

/** `switchboard attach --agent ID …`: joins somebody else's agent. */
export function addAttach(program: Command, io: Io): void {
  const command: Command = connectionFlags(program.command('attach'), true)
    .description('run an agent that speaks ACP, or reach another one, and join it as an agent of the daemon')
    .usage('--agent ID [options] -- COMMAND [ARGS…]')
    .argument('[command...]', 'the agent’s program and its arguments, after --')
    .requiredOption('--agent <id>', 'the agent’s id: 1 to 128 of letters, digits and . _ -')
    .option('--wait', 'wait for the daemon where none is running')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent', 'info');
  const common = new Set(command.options);
  for (const { heading, add } of KINDS) {
    command.optionsGroup(heading);
    add(command);
  }
  command.addHelpText('after', ATTACH_HELP).action(async (words: string[], flags: CommonFlags) => {
    const { runAttach } = await import('./run-attach.ts');
    await runAttach(io, flags, { ...settingsOf(command, common), ...(words.length > 0 && { acp: words }) });
  });
}

/** What was given of the options that are not among these, by their names without `--`. */
function settingsOf(command: Command, others: ReadonlySet<Option>): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const option of command.options) {
    const name = option.attributeName();
    if (others.has(option) || command.getOptionValueSource(name) !== 'cli') continue;
    const value: unknown = command.getOptionValue(name);
    // `--no-tools` makes `tools` false; the setting is called as the flag is.
    given[(option.long ?? '').replace(/^--/, '')] = option.negate ? value === false : value;
  }
  return given;
}

const ATTACH_HELP = `
The agent's token comes from SWITCHBOARD_AGENT_TOKEN; where that is not set, the daemon's host token is used to make the
agent known and to give it a new token. docs/agents.md has the commands of well-known agents.

Exit status: 0 after SIGTERM or Ctrl-C, 1 where the agent could not be started, or the daemon refused, removed or replaced
it, 2 wrong usage, 3 no daemon is running there.`;
