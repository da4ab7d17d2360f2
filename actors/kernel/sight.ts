import {
  agentKey,
  agentOf,
  isAgentPrincipal,
  isSamePrincipal,
  LOCAL,
  type Principal,
} from '../../protocol/principal.ts';
import type { Client } from './client.ts';
import type { Kernel } from './kernel.ts';

/*
 * Who sees and rules what (`docs/protocol.md#principals`). Whatever a client does not see does not exist for it, and whatever
 * asks goes by one of these.
 */

/** Who looks: a client, or what is left of one that is gone. */
export type Viewer = Pick<Client, 'principal' | 'role' | 'agentId' | 'identity'>;

/** Whether it looks at all that is its tenant's, by the scope for that. What the host role sees it sees without. */
export const observes = ({ identity }: Viewer): boolean => identity?.scopes?.has('observe') === true;

/**
 * Whether a principal's thing exists for this client. One's own does. With whatever an agent has to do that does not exist for
 * somebody, nothing of others' does: its name alone would tell.
 * @param agentId - the agent that it is about, if it is about one; what an agent owns is about that in any case
 */
export function sees(viewer: Viewer, owner: Principal, agentId: string | undefined): boolean {
  const { principal, role } = viewer;
  if (isSamePrincipal(principal, owner)) return true;
  if (principal.tenant !== owner.tenant) return false;
  if (agentId !== undefined && !mayUse(viewer, agentId)) return false;
  if (isAgentPrincipal(owner) && !mayUse(viewer, agentOf(owner))) return false;
  if (role === 'host' || observes(viewer)) return true;
  // The daemon's own token: one person, whose agents are theirs as well.
  return isAgentPrincipal(owner) && role !== 'agent' && isSamePrincipal(principal, LOCAL);
}

/** Whether this client may change it: it is its principal's, or it manages that tenant. Says nothing of other rules. */
export function rules(client: Client, owner: Principal): boolean {
  if (isSamePrincipal(client.principal, owner)) return true;
  return client.role === 'host' && client.tenant === owner.tenant;
}

/** Whether it may do more than look: an agent, the management role, and whoever has the scope `chat`. */
export function mayAct({ role, identity }: Viewer): boolean {
  return role === 'host' || role === 'agent' || (identity?.scopes?.has('chat') ?? true);
}

/** Whether an agent of the client's own tenant exists for it. */
export function mayUse(viewer: Viewer, agentId: string): boolean {
  return viewer.agentId === agentId || (viewer.identity?.mayUse?.(agentId) ?? true);
}

/** The connection of an agent that exists for this client, if it is attached. */
export function attachedFor(kernel: Kernel, client: Client, agentId: string): Client | undefined {
  return mayUse(client, agentId) ? kernel.attached.get(agentKey(client.tenant, agentId)) : undefined;
}
