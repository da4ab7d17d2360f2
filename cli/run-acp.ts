import { Readable, Writable } from 'node:stream';
import { acpAgent } from '../fronts/acp/agent.ts';
import { listAgents } from '../fronts/core/agents.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/bounds.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { MessageTooLargeError, ndJsonStream } from '../sdks/acp.ts';
import { VERSION } from '../version.ts';
import { CliError, Exit } from './exit.ts';
import type { Io } from './io.ts';
import { openBridge, serveStdio } from './stdio-bridge.ts';
import type { ConnectionFlags } from './with-host.ts';

/** What `switchboard acp --agent ID` does. */
export async function runAcp(io: Io, flags: ConnectionFlags & { agent: string }): Promise<void> {
  const { agent: agentId } = flags;
  const bridge = await openBridge(io, flags, 'acp');
  const over = deferred();
  const app = acpAgent(
    {
      agentId,
      limits: DEFAULT_LIMITS,
      find: async () => (await listAgents(bridge.connect())).find(({ spec }) => spec.id === agentId),
      openTurn: (spec, signal) => bridge.openTurn({ ...spec, agentId }, signal),
    },
    { version: VERSION, onClosed: over.resolve },
  );
  const output = Writable.toWeb(io.stdout as Writable) as WritableStream<Uint8Array>;
  const input = Readable.toWeb(io.stdin) as ReadableStream<Uint8Array>;
  const connection = app.connect(ndJsonStream(output, input, { maxMessageBytes: MAX_MESSAGE_BYTES }));
  await serveStdio(io, connection.closed, async () => {
    connection.close();
    await over.promise;
  });
  if (connection.signal.reason instanceof MessageTooLargeError)
    throw new CliError(Exit.Failed, 'a message on stdin is larger than any daemon takes');
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
