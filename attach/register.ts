import { connectHost, type HostOptions } from '../client/node.ts';

/**
 * Makes an agent known to the daemon, where it is not yet, and gives it a new token: whatever held the old one is out.
 * @throws {NoDaemonError} @throws {ConnectionError} @throws {AuthError} the host token is not that of the daemon.
 */
export async function registerAgent(
  agentId: string,
  options: Pick<HostOptions, 'url' | 'home' | 'hostToken' | 'tls' | 'env'>,
): Promise<string> {
  const host = await connectHost({ ...options, management: true });
  try {
    const { token } = await host.agents.upsert({ id: agentId, rotateToken: true });
    if (token === undefined) throw new Error('the daemon gave no token');
    return token;
  } finally {
    void host.close();
  }
}
