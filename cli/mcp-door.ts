import type { Command } from 'commander';
import { CliError, Exit } from './exit.ts';
import type { Io } from './io.ts';

/** `switchboard mcp-door`: what `switchboard attach` has an agent start for the host's tools, where the agent speaks no HTTP with them. */
export function addMcpDoor(program: Command, io: Io): void {
  program
    .command('mcp-door', { hidden: true })
    .description('the tools of a host, as an MCP server on stdio; an attached agent starts this')
    .action(async () => {
      const { runDoor } = await import('../attach/door/stdio.ts');
      try {
        await runDoor(io.env);
      } catch (error) {
        throw new CliError(Exit.Failed, (error as Error).message);
      }
    });
}
