import { effect, signal } from '@preact/signals';
import type { AgentRow, Host } from '../../client/browser.ts';
import { agentChanges } from '../feed.ts';

/** What is known of the agents: undefined until the broker has said it. */
export const agents = signal<readonly AgentRow[] | undefined>(undefined);

/** Keeps {@link agents} up to date with what the broker tells of them. @returns what stops it. */
export function followAgents(host: Host): () => void {
  let stopped = false;
  let stale = false;
  let listing = false;
  // However many events tell of agents, one listing is under way, and one follows it.
  const list = async () => {
    stale = true;
    if (listing) return;
    listing = true;
    try {
      while (stale && !stopped) {
        stale = false;
        const rows = await host.agents.list();
        if (!stopped) agents.value = rows;
      }
    } catch {
      // The connection is gone: the next one is followed anew.
    } finally {
      listing = false;
    }
  };
  const unfollow = effect(() => {
    void agentChanges.value;
    void list();
  });
  return () => {
    stopped = true;
    unfollow();
  };
}
