import { type Host, McpError, type McpServer } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { McpProcess } from './mcp-process.ts';
import { Left } from './turn.ts';

/**
 * Starts MCP servers, and offers their tools for as long as something runs. One that ends by itself is told, and the rest goes on.
 * @param commands each in words.
 * @throws {CliError} where one of them is no MCP server, or cannot be started.
 */
export async function withMcp<T>(
  io: Io,
  host: Host,
  commands: readonly (readonly string[])[],
  use: () => Promise<T>,
): Promise<T> {
  const servers: McpServer[] = [];
  try {
    // One after the other: of two tools of a name the later one counts, and not whichever was faster.
    for (const words of commands) servers.push(await offer(io, host, words));
    return await use();
  } catch (error) {
    // Away at once: they are ended with this process.
    if (error instanceof Left) servers.length = 0;
    throw error;
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
}

async function offer(io: Io, host: Host, words: readonly string[]): Promise<McpServer> {
  const command = visibleLine(words.join(' '));
  const transport = new McpProcess(words, io.env);
  const onSkipped = (name: string, why: string) =>
    tell(io, `[tool ${visibleLine(name)} is not offered: ${visibleLine(why)}]`);
  const withWords = (message: string) => {
    const last = transport.lastWords;
    return `${visibleLine(message)}${last === '' ? '' : `; its last words: ${visibleLine(last)}`}`;
  };
  let server: McpServer;
  try {
    server = await host.mcp(transport, { onSkipped });
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    throw new CliError(Exit.Failed, `--mcp ${command}: ${withWords(error.message)}`);
  }
  void server.closed.then((error) => {
    if (error) tell(io, `[the tools of ${visibleLine(server.name)} are gone: ${withWords(error.message)}]`);
  });
  return server;
}
