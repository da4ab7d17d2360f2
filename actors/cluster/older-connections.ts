import { closeReplaced } from '../connection/presence.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { AgentPlaces } from './agent-places.ts';

/** An agent of this broker's is at another one now: its connection here is closed. */
export function leaveAgent(kernel: Kernel, own: Client): void {
  const { attached } = kernel;
  if (own.agentKey === undefined || attached.get(own.agentKey) !== own) return;
  attached.delete(own.agentKey);
  closeReplaced(kernel, own, true);
}

/**
 * An agent has a connection with that place in the order at another broker, which may be heard of before the place is: an older one
 * here is closed. @returns whether it has a newer one here
 */
export function leaveOlder(kernel: Kernel, places: AgentPlaces, agent: string, revision: number): boolean {
  const own = kernel.attached.get(agent);
  if (!own) return false;
  if (!places.isOlder(agent, revision)) return true;
  leaveAgent(kernel, own);
  return false;
}
