import { z } from 'zod';
import type { Identity } from '../../machines/connection.machine.ts';
import { SCOPES } from '../../protocol/grants.ts';
import { agentIdOf, principal, tenantOf } from '../../protocol/principal.ts';
import type { KeyLimits } from '../../protocol/shared-limits.ts';
import { agentsOf } from '../connection/held-key.ts';
import type { Client } from '../kernel/client.ts';

/*
 * Who a guest is, as the broker of its connection says it. That has checked it: brokers of one cluster believe each other.
 */

/** So many agents a person may be said to be let use. */
const MAX_AGENTS = 100_000;

const guestIdentity = z.object({
  role: z.enum(['client', 'agent', 'host']),
  agent_id: z.string().optional(),
  name: z.string().optional(),
  principal,
  scopes: z.array(z.enum(SCOPES)).optional(),
  agents: z.array(z.string()).max(MAX_AGENTS).optional(),
  key: z
    .object({
      id: z.string(),
      /** Unix milliseconds. */
      expires_at: z.number().optional(),
      created_at: z.string().optional(),
      fronts: z.array(z.string()).optional(),
      limits: z.custom<KeyLimits>((value) => typeof value === 'object' && value !== null).optional(),
    })
    .optional(),
});

/** What the first entry of a guest's stream says. */
export const guestOpening = z.object({
  /** The connection's id at its broker. */
  client: z.string().max(128),
  /** The address that it came from. */
  remote: z.string().max(256).optional(),
  /** Which way in it came. */
  via: z.enum(['tcp', 'unix', 'upgrade', 'memory']).optional(),
  /** Nobody, where authentication is off. */
  identity: guestIdentity.optional(),
});

/** See {@link guestOpening}. */
export type GuestOpening = z.infer<typeof guestOpening>;

/** Which agents somebody may use, where not all. A function of an embedder's is asked about all that are known. */
function agentsFor({ mayUse, principal }: Identity, agentKeys: Iterable<string>): readonly string[] | undefined {
  if (!mayUse) return undefined;
  const listed = agentsOf(mayUse);
  if (listed) return listed;
  const known = new Set<string>();
  for (const agent of agentKeys) if (tenantOf(agent) === principal.tenant) known.add(agentIdOf(agent));
  // In one order, whichever of them has come last: what is said again is compared.
  return [...known].filter(mayUse).sort();
}

/**
 * An identity as one broker tells another. The token, and how long it lasts, stay where the connection is: that ends it.
 * @param agents - which agents it may use, where not all
 */
function sayIdentity(identity: Identity, agents: readonly string[] | undefined): GuestOpening['identity'] {
  const { role, agentId, name, scopes, key } = identity;
  return {
    role,
    ...(agentId === undefined ? {} : { agent_id: agentId }),
    ...(name === undefined ? {} : { name }),
    principal: identity.principal,
    ...(scopes && { scopes: [...scopes] }),
    ...(agents && { agents: [...agents] }),
    // What whoever makes a key has to be within.
    ...(key && {
      key: {
        id: key.id,
        ...(key.expiresAt !== undefined && { expires_at: key.expiresAt }),
        ...(key.createdAt !== undefined && { created_at: key.createdAt }),
        ...(key.fronts && { fronts: [...key.fronts] }),
        ...(key.limits && { limits: key.limits }),
      },
    }),
  };
}

/** The same, as it is read. */
export function readIdentity(said: NonNullable<GuestOpening['identity']>): Identity {
  const { role, agent_id: agentId, name, scopes, agents, key } = said;
  const known = agents && new Set(agents);
  return {
    role,
    ...(agentId === undefined ? {} : { agentId }),
    ...(name === undefined ? {} : { name }),
    principal: said.principal,
    ...(scopes && { scopes: new Set(scopes) }),
    ...(known && { mayUse: (id: string) => known.has(id) }),
    ...(key && {
      key: {
        id: key.id,
        expiresAt: key.expires_at,
        createdAt: key.created_at,
        fronts: key.fronts && new Set(key.fronts),
        limits: key.limits,
      },
    }),
  };
}

/** What a connection's guest begins with. @param agentKeys - all agents that are known */
export function openingOf({ id, identity, link }: Client, agentKeys: Iterable<string>): GuestOpening {
  const remote = link.remote === undefined ? {} : { remote: link.remote };
  const said = identity && sayIdentity(identity, agentsFor(identity, agentKeys));
  // A guest has no guests.
  const via = link.kind === 'peer' ? {} : { via: link.kind };
  return { client: id, ...remote, ...via, ...(said ? { identity: said } : {}) };
}
