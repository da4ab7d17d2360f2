import { type Command, InvalidArgumentError } from 'commander';
import { EXIT_HELP } from './exit.ts';
import type { Io } from './io.ts';
import type { McpFlags } from './run-mcp.ts';
import { connectionFlags } from './with-host.ts';

/** `switchboard mcp`. */
export function addMcp(program: Command, io: Io): void {
  connectionFlags(program.command('mcp'))
    .description('agents as tools of an MCP server, on stdio: list_agents, ask_agent')
    .option(
      '--front-approval-timeout <ms>',
      'how long an approval waits for somebody, then it is denied',
      wait,
      300_000,
    )
    .option('--depth <n>', 'how deep the program that starts this is asked itself: its context.depth', level, 0)
    .addHelpText('after', MCP_HELP)
    .action(async (flags: McpFlags) => {
      const { runMcp } = await import('./run-mcp.ts');
      await runMcp(io, flags);
    });
}

const MCP_HELP = `
It needs a key, and one that is for some agents alone: switchboard keys add NAME --agent ID. By --token, or in
SWITCHBOARD_AUTH_TOKEN. At the end of stdin, or at SIGTERM, its turns are cancelled.
${EXIT_HELP}`;

function wait(text: string): number {
  const ms = Number(text);
  if (/^\d+$/.test(text) && ms > 0 && ms < 2 ** 31) return ms;
  throw new InvalidArgumentError('It takes milliseconds, from 1 to 2147483647.');
}

function level(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number, 0 at least.');
}
