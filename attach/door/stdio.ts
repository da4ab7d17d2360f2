import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { DOOR_TOKEN, DOOR_URL } from './command.ts';

/**
 * `switchboard mcp-door`: an MCP server on this process's stdin and stdout, which passes everything on to the one at the URL in
 * the environment, and back. Resolves when either side has ended.
 * @throws {Error} where the variables are not there.
 */
export async function runDoor(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { [DOOR_URL]: url, [DOOR_TOKEN]: bearer } = env;
  if (!url || !bearer || !URL.canParse(url))
    throw new Error(`${DOOR_URL} and ${DOOR_TOKEN} are not set: an agent that \`switchboard attach\` runs starts this`);
  const { StdioServerTransport, StreamableHTTPClientTransport } = await import('../../sdks/mcp.ts');
  const near = new StdioServerTransport() as Transport;
  const headers = { Authorization: `Bearer ${bearer}` };
  const far = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as unknown as Transport;
  await new Promise<void>((resolve) => {
    const end = () => resolve();
    near.onmessage = (message) => void far.send(message).catch(end);
    far.onmessage = (message) => void near.send(message).catch(end);
    near.onclose = end;
    far.onclose = end;
    process.stdin.once('end', end);
    void Promise.all([near.start(), far.start()]).catch(end);
  });
  await Promise.all([near.close(), far.close()].map((closing) => closing.catch(() => {})));
}
