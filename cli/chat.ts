import { type Command, InvalidArgumentError, Option } from 'commander';
import { commandWords } from './command-words.ts';
import { EXIT_HELP } from './exit.ts';
import type { Io } from './io.ts';
import type { ChatFlags } from './run-chat.ts';
import { connectionFlags } from './with-host.ts';

/** `switchboard chat AGENT [PROMPT]`. */
export function addChat(program: Command, io: Io): void {
  connectionFlags(program.command('chat'))
    .description('talk with an agent')
    .argument('<agent>', 'its id; switchboard agents lists them')
    .argument('[prompt...]', '"-" reads it from stdin; without one, a conversation')
    .option('--json', 'the raw events, one a line')
    .option('--model <model>', 'which model the agent should use')
    .option('--session <id>', 'the session to chat in (default: a new one)')
    .option('--context <json>', 'an object for the agent', parseContext)
    .option('--approve', 'say yes to whatever the agent asks approval for')
    .addOption(new Option('--deny', 'say no to it').conflicts('approve'))
    .option('--no-tools', 'offer the agent no tools (default: clock, which tells the time, and dice)')
    .option('--mcp <command>', 'offer the tools of an MCP server, too; repeatable', addCommand)
    .addHelpText('after', CHAT_HELP)
    .action(async (agent: string, words: string[], flags: ChatFlags) => {
      const { runChat } = await import('./run-chat.ts');
      await runChat(io, agent, words, flags);
    });
}

const CHAT_HELP = `
Ctrl-C cancels the answer, a second one leaves. A lost connection is waited for, a minute at most, and the answer goes on
where it was; meanwhile one Ctrl-C leaves. What the agent asks approval for is asked on the terminal; where there
is none, or with --json, it waits for \`switchboard approve ID\` from another one.
--mcp "npx some-mcp-server --flag" runs that program, without a shell, and offers what tools it has under their own names,
until the chat is over.
${EXIT_HELP}`;

const addCommand = (line: string, before: string[][] = []): string[][] => [...before, commandWords(line)];

function parseContext(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through: not JSON at all is as wrong as any other JSON.
  }
  throw new InvalidArgumentError('It takes a JSON object, like {"city": "Ghent"}.');
}
