import type { Host, HostStatus } from '../client/node.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/bounds.ts';
import { offerTools } from './chat-tools.ts';
import { converse } from './conversation.ts';
import { CliError, Exit } from './exit.ts';
import { IdleConnection } from './idle-connection.ts';
import { Interruptions } from './interruptions.ts';
import { type Io, tell } from './io.ts';
import { LineReader } from './line-reader.ts';
import { Output } from './output.ts';
import { runTurn } from './turn.ts';
import { type ConnectionFlags, withHost } from './with-host.ts';

/** The flags of `chat`. */
export interface ChatFlags extends ConnectionFlags {
  json?: boolean;
  model?: string;
  session?: string;
  context?: Record<string, unknown>;
  approve?: boolean;
  deny?: boolean;
  tools: boolean;
  /** Commands of MCP servers, each in words. */
  mcp?: string[][];
}

/** A person waits: often enough that it is not the waits between two attempts that one waits for. */
const RECONNECT = { maxMs: 2_000 };

/** What `switchboard chat AGENT [PROMPT]` does. */
export async function runChat(io: Io, agentId: string, words: string[], flags: ChatFlags): Promise<void> {
  const { json = false, model, session, context, approve, deny, tools, mcp = [], ...connection } = flags;
  const prompt = await readPrompt(io, words);
  const output = new Output(io.stdout);
  const options = { model, sessionId: session, context };
  const autoAnswer = approve ? true : deny ? false : undefined;
  const interruptions = new Interruptions(io);
  const common = { agentId, options, json, output, lines: new LineReader(io), autoAnswer, interruptions };
  const offering = async (host: Host, talk: () => Promise<void>) => {
    if (tools) await offerTools(io, host);
    if (mcp.length === 0) return talk();
    const { withMcp } = await import('./offer-mcp.ts');
    return withMcp(io, host, mcp, talk);
  };
  if (prompt !== undefined) {
    await withHost(io, { ...connection, reconnect: RECONNECT }, async (host) => {
      await offering(host, () => runTurn(io, { ...common, host, prompt }));
    });
    return;
  }
  // A conversation goes on after a connection that was lost between two answers, too.
  const idle = new IdleConnection(interruptions, () => tell(io, ''));
  const reconnecting = { ...connection, reconnect: RECONNECT, onStatus: (status: HostStatus) => idle.become(status) };
  await withHost(io, reconnecting, async (host) => {
    await offering(host, () => converse(io, { ...common, host, idle }));
  });
}

/** The prompt, from wherever it comes; undefined where a person sits there and will type. */
async function readPrompt(io: Io, words: string[]): Promise<string | undefined> {
  const fromStdin = words.length === 1 && words[0] === '-';
  if (!fromStdin && words.length > 0) return words.join(' ');
  if (!fromStdin && io.stdin.isTTY) return undefined;
  let text = '';
  io.stdin.setEncoding('utf8');
  for await (const chunk of io.stdin) {
    text += chunk;
    if (text.length > MAX_MESSAGE_BYTES)
      throw new CliError(Exit.Usage, 'the prompt on stdin is larger than any daemon takes');
  }
  // The line feed at the end is the shell's, not the prompt's.
  text = text.replace(/\r?\n$/, '');
  if (text === '') throw new CliError(Exit.Usage, 'there is no prompt: stdin is empty');
  return text;
}
