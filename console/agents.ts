import type { AgentRow, HostAgent } from '../client/browser.ts';
import { agentChanges } from './agent-changes.ts';
import { ofSession } from './sign-out.ts';
import { usePoll } from './use-poll.ts';

const POLL_MS = 5_000;

/** Every agent that the daemon knows, those that are attached first; undefined until it has said so. */
export const agents = ofSession<readonly AgentRow[] | undefined>(undefined);

/** What agents say of themselves, by their ids: those that somebody has attached say how they stand. */
export const saidByAgents = ofSession<ReadonlyMap<string, HostAgent>>(new Map());

/** Keeps {@link agents} and {@link saidByAgents} up to date while a component is there: at once when one comes or goes. */
export function useAgents(): void {
  usePoll(
    POLL_MS,
    async (host) => {
      const [rows, listed] = await Promise.all([host.agents.list(), host.hostAgents()]);
      saidByAgents.value = new Map(listed.map((agent) => [agent.id, agent]));
      agents.value = rows.sort((one, other) => Number(other.attached) - Number(one.attached));
    },
    [agentChanges.value],
  );
}
