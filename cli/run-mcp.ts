import { listAgents } from '../fronts/core/agents.ts';
import type { FrontTurn } from '../fronts/core/turn.ts';
import { mcpServer } from '../fronts/mcp/server.ts';
import { KEY_PREFIX } from '../protocol/grants.ts';
import { StdioServerTransport } from '../sdks/mcp.ts';
import { VERSION } from '../version.ts';
import { CliError, Exit } from './exit.ts';
import type { Io } from './io.ts';
import { openBridge, serveStdio } from './stdio-bridge.ts';
import type { ConnectionFlags } from './with-host.ts';

/** The flags of `mcp`. */
export interface McpFlags extends ConnectionFlags {
  frontApprovalTimeout: number;
  depth: number;
}

/** The longest message on stdin, in bytes. */
const MAX_MESSAGE = 16 * 1024 * 1024;

/** What `switchboard mcp` does. */
export async function runMcp(io: Io, flags: McpFlags): Promise<void> {
  const { frontApprovalTimeout: approvalTimeoutMs, depth } = flags;
  checkKey(flags.token ?? io.env.SWITCHBOARD_AUTH_TOKEN ?? '');
  const bridge = await openBridge(io, flags, 'mcp');
  const open = new Set<FrontTurn>();
  const server = mcpServer(
    {
      list: () => listAgents(bridge.connect()),
      async openTurn(spec, signal) {
        const turn = await bridge.openTurn(spec, signal);
        open.add(turn);
        void turn.over.then(() => open.delete(turn));
        return turn;
      },
    },
    { version: VERSION, approvalTimeoutMs, depth },
  );
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
    io.stdin.once('end', resolve);
  });
  let fault: CliError | undefined;
  server.onerror = (error) => {
    // Others have what was on stdin in their words.
    if (/^ReadBuffer exceeded /.test(error.message))
      fault = new CliError(Exit.Failed, 'a message on stdin is larger than 16 MiB');
  };
  const transport = new StdioServerTransport(io.stdin, io.stdout, { maxBufferSize: MAX_MESSAGE });
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  await serveStdio(io, closed, async () => {
    await server.close();
    for (const turn of open) turn.cancel();
    await Promise.all([...open].map(({ over }) => over));
  });
  if (fault) throw fault;
}

/** A program that an agent steers must not have what a person at this machine may. @throws {CliError} */
function checkKey(token: string): void {
  const isKey = token.startsWith(KEY_PREFIX) || token.split('.').length === 3;
  if (isKey) return;
  const words = 'mcp needs a key, and not the daemon’s token: switchboard keys add NAME --agent ID makes one';
  throw new CliError(Exit.NotAuthorised, `${words}, which goes into SWITCHBOARD_AUTH_TOKEN`);
}
