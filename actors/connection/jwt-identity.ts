import type { Identity } from '../../machines/connection.machine.ts';
import { SCOPES } from '../../protocol/grants.ts';
import type { VerifiedJwt } from '../../protocol/jwt.ts';
import { principalOfAgent } from '../../protocol/principal.ts';
import type { AuthFault } from './auth-fault.ts';

const AGENT = 'agent:';

/** What somebody with a JWT is to be. */
export interface Wish {
  /** The agent of that id. */
  agentId?: string | undefined;
  /** Default: what its scopes say. */
  role?: Identity['role'] | undefined;
}

/**
 * Who a client is by what its JWT says (`docs/protocol.md#jwt`). An agent needs a scope for it; one that has the scope of
 * one agent and no other need not say that it is that.
 */
export function identityOfJwt(jwt: VerifiedJwt, { agentId, role }: Wish): Identity | AuthFault {
  const { scopes, tenant, sub } = jwt;
  const agent = agentId ?? (role === undefined ? onlyAgent(scopes) : undefined);
  const held = Object.freeze({ sub, expiresAt: jwt.expiresAt });
  const rest = { ...(jwt.mayUse ? { mayUse: jwt.mayUse } : {}), jwt: held };
  if (agent !== undefined) {
    if (!scopes.has(AGENT + agent) && !scopes.has(`${AGENT}*`)) return 'jwt_scope';
    return { role: 'agent', agentId: agent, principal: principalOfAgent(tenant, agent), ...rest };
  }
  // The management sees all agents of its tenant, and what tells of everybody: not whoever is to see some.
  const mayManage = role !== 'client' && !jwt.mayUse;
  const own = SCOPES.filter((scope) => scopes.has(scope) && (scope !== 'host' || mayManage));
  const isHost = own.includes('host');
  if (own.length === 0 || (role === 'host' && !isHost)) return 'jwt_scope';
  return {
    role: isHost ? 'host' : 'client',
    ...(jwt.name === undefined ? {} : { name: jwt.name }),
    principal: Object.freeze({ tenant, sub }),
    scopes: new Set(own),
    ...rest,
  };
}

/** The agent that a token is for alone. */
function onlyAgent(scopes: ReadonlySet<string>): string | undefined {
  const [scope, ...others] = scopes;
  if (others.length > 0 || !scope?.startsWith(AGENT) || scope === `${AGENT}*`) return undefined;
  return scope.slice(AGENT.length);
}
