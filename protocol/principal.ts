import { z } from 'zod';
import { shaped } from './bounds.ts';

/** A tenant's name: 1–64 of `[A-Za-z0-9._-]` (`docs/protocol.md#authenticating`). */
export const tenantName = shaped(64, /^[A-Za-z0-9._-]{1,64}$/, '1–64 of [A-Za-z0-9._-]');

/** Who somebody is within a tenant: 1–256 characters, none of them a control character. A JWT's `sub` is one. */
export const subjectName = shaped(
  256,
  /^[^\p{Cc}\p{Cs}]{1,256}$/u,
  '1–256 characters, none of them a control character',
);

/** Who somebody is (`docs/protocol.md#principals`): what they own is theirs, whichever connection they come by. */
export const principal = z.object({ tenant: tenantName, sub: subjectName });

/** See {@link principal}. */
export type Principal = Readonly<z.infer<typeof principal>>;

/** So many tenants may be named in `/metrics`. */
export const MAX_METRICS_TENANTS = 100;

/** Whoever names no tenant is in this one. */
export const DEFAULT_TENANT = 'default';

/**
 * Whoever knows the daemon's own token or its host token: one person on one machine, whose windows all are theirs. Also
 * everybody where authentication is switched off.
 */
export const LOCAL: Principal = Object.freeze({ tenant: DEFAULT_TENANT, sub: 'local' });

const AGENT = 'agent:';

/** The principal of an agent that came with its own token. */
export const principalOfAgent = (tenant: string, agentId: string): Principal =>
  Object.freeze({ tenant, sub: `${AGENT}${agentId}` });

/** Whether this is an agent's own principal. */
export const isAgentPrincipal = ({ sub }: Principal): boolean => sub.startsWith(AGENT);

/** The id of the agent whose own principal this is: see {@link isAgentPrincipal}. */
export const agentOf = ({ sub }: Principal): string => sub.slice(AGENT.length);

/**
 * Whether that is the `sub` of whoever proves it by a token of the daemon's or an agent's. No key's name, no certificate and
 * no word of an embedder's function makes anybody that person.
 */
export const isReservedSubject = (sub: string): boolean => sub === LOCAL.sub || sub.startsWith(AGENT);

/** Whether two principals are one. */
export const isSamePrincipal = (one: Principal, other: Principal): boolean =>
  one === other || (one.sub === other.sub && one.tenant === other.tenant);

/** A text that stands for this principal, and for no other: no tenant's name contains a `/`. */
export const principalKey = ({ tenant, sub }: Principal): string => `${tenant}/${sub}`;

/**
 * What an agent is kept under: agents of one id in two tenants are two. In the default tenant it is the id itself; no id
 * contains a `/`.
 */
export const agentKey = (tenant: string, agentId: string): string =>
  tenant === DEFAULT_TENANT ? agentId : `${tenant}/${agentId}`;

/** The tenant of the agent that is kept under a key; see {@link agentKey}. */
export const tenantOf = (key: string): string => {
  const end = key.indexOf('/');
  return end < 0 ? DEFAULT_TENANT : key.slice(0, end);
};

/** The id of the agent that is kept under a key; see {@link agentKey}. */
export const agentIdOf = (key: string): string => key.slice(key.indexOf('/') + 1);
