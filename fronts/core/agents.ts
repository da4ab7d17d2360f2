import type { AgentRow, Host } from '../../client/node.ts';

/** The agents that exist for somebody, on a connection made for the asking. */
export async function listAgents(connecting: Promise<Host>): Promise<AgentRow[]> {
  const host = await connecting;
  try {
    return await host.agents.list();
  } finally {
    void host.close();
  }
}
