import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HostStatus } from '../client/node.ts';
import { offerTools } from './chat-tools.ts';
import { converse } from './conversation.ts';
import { CliError, EXIT_HELP, Exit } from './exit.ts';
import { IdleConnection } from './idle-connection.ts';
import { Interruptions } from './interruptions.ts';
import { type Io, tell } from './io.ts';
import { LineReader } from './line-reader.ts';
import { Output } from './output.ts';
import { runTurn } from './turn.ts';
import { type ConnectionFlags, connectionFlags, withHost } from './with-host.ts';

interface ChatFlags extends ConnectionFlags {
  json?: boolean;
  model?: string;
  session?: string;
  context?: Record<string, unknown>;
  approve?: boolean;
  deny?: boolean;
  tools: boolean;
}

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
    .addHelpText('after', CHAT_HELP)
    .action((agent: string, words: string[], flags: ChatFlags) => chat(io, agent, words, flags));
}

const CHAT_HELP = `
Ctrl-C cancels the answer, a second one leaves. A lost connection is waited for, a minute at most, and the answer goes on
where it was; meanwhile one Ctrl-C leaves. What the agent asks approval for is asked on the terminal; where there
is none, or with --json, it waits for \`switchboard approve ID\` from another one.
${EXIT_HELP}`;

function parseContext(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through: not JSON at all is as wrong as any other JSON.
  }
  throw new InvalidArgumentError('It takes a JSON object, like {"city": "Ghent"}.');
}

/** A person waits: often enough that it is not the waits between two attempts that one waits for. */
const RECONNECT = { maxMs: 2_000 };

async function chat(io: Io, agentId: string, words: string[], flags: ChatFlags): Promise<void> {
  const { json = false, model, session, context, approve, deny, tools, ...connection } = flags;
  const prompt = await readPrompt(io, words);
  const output = new Output(io.stdout);
  const options = { model, session_id: session, context };
  const autoAnswer = approve ? true : deny ? false : undefined;
  const interruptions = new Interruptions(io);
  const common = { agentId, options, json, output, lines: new LineReader(io), autoAnswer, interruptions };
  if (prompt !== undefined) {
    await withHost(io, { ...connection, reconnect: RECONNECT }, async (host) => {
      if (tools) await offerTools(io, host);
      await runTurn(io, { ...common, host, prompt });
    });
    return;
  }
  // A conversation goes on after a connection that was lost between two answers, too.
  const idle = new IdleConnection(interruptions, () => tell(io, ''));
  const reconnecting = { ...connection, reconnect: RECONNECT, onStatus: (status: HostStatus) => idle.become(status) };
  await withHost(io, reconnecting, async (host) => {
    if (tools) await offerTools(io, host);
    await converse(io, { ...common, host, idle });
  });
}

/** The prompt, from wherever it comes; undefined where a person sits there and will type. */
async function readPrompt(io: Io, words: string[]): Promise<string | undefined> {
  const fromStdin = words.length === 1 && words[0] === '-';
  if (!fromStdin && words.length > 0) return words.join(' ');
  if (!fromStdin && io.stdin.isTTY) return undefined;
  let text = '';
  io.stdin.setEncoding('utf8');
  for await (const chunk of io.stdin) text += chunk;
  // The line feed at the end is the shell's, not the prompt's.
  text = text.replace(/\r?\n$/, '');
  if (text === '') throw new CliError(Exit.Usage, 'there is no prompt: stdin is empty');
  return text;
}
