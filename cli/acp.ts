import type { Command } from 'commander';
import { EXIT_HELP } from './exit.ts';
import type { Io } from './io.ts';
import { type ConnectionFlags, connectionFlags } from './with-host.ts';

/** `switchboard acp --agent ID`. */
export function addAcp(program: Command, io: Io): void {
  connectionFlags(program.command('acp'))
    .description('an agent as one of the Agent Client Protocol, on stdio: for editors')
    .requiredOption('--agent <id>', 'which; switchboard agents lists them')
    .addHelpText('after', ACP_HELP)
    .action(async (flags: ConnectionFlags & { agent: string }) => {
      const { runAcp } = await import('./run-acp.ts');
      await runAcp(io, flags);
    });
}

const ACP_HELP = `
An editor starts it, as examples/zed-settings.json says. At the end of stdin, or at SIGTERM, its turns are cancelled.
${EXIT_HELP}`;
