import type { Identity } from '../../machines/connection.machine.ts';
import type { ClientCertificate } from '../../protocol/client-certificate.ts';
import { SCOPES, type Scope } from '../../protocol/grants.ts';
import { agentId as agentIdSchema } from '../../protocol/ids.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { checkOptions } from '../../protocol/options.ts';
import {
  DEFAULT_TENANT,
  isReservedSubject,
  LOCAL,
  type Principal,
  principal,
  principalOfAgent,
} from '../../protocol/principal.ts';
import type { UpgradeRequest } from '../../protocol/upgrade-request.ts';

/** What one `session.auth` shows, for an embedder's {@link AuthFunction} to judge. The tokens are secrets. */
export interface AuthQuestion {
  /** What came as `token`. */
  token: string | undefined;
  /** What came as `host_token`: whoever sends one asks for the management role. */
  hostToken: string | undefined;
  /** What came as `jwt`: one that the broker itself does not take, where it takes any. */
  jwt: string | undefined;
  /** What came as `agent_id`: the agent that the connection says it is. */
  agentId: string | undefined;
  /** What its client certificate says, on a port of the broker's own whose `tls.ca` has signed it. No such one: undefined. */
  certificate: ClientCertificate | undefined;
  /** The HTTP request that became this connection, with its cookies and headers. Undefined on `broker.connect()`. */
  request: UpgradeRequest | undefined;
  /** Aborts when nobody waits for the answer any more: the connection is gone, or its time to authenticate is over. */
  signal: AbortSignal;
}

/**
 * Who a connection is. A member that this version does not know is refused, and not passed over: it might be what keeps
 * two people's things apart.
 */
export interface AuthIdentity {
  /** What it may do. Default: `agent` where there is an `agentId`, else `client`. `host` is the management role. */
  role?: 'client' | 'agent' | 'host' | undefined;
  /** The agent that the connection is; an older connection of it is taken over. */
  agentId?: string | undefined;
  /** What to call it, for people: {@link Caller.name} of the embedder's own methods, and an agent's `context.principal`. */
  name?: string | undefined;
  /**
   * Whose things are its own, within the tenant: a user's id, say. Default: `local`, one person whose windows all are
   * theirs, and for an agent its own; where there is a `tenant`, it has to be said. Nobody is given `local`, or another
   * agent's `agent:ID`: a `sub` out of somebody else's directory must not lead to their things.
   */
  sub?: string | undefined;
  /** Nothing of one tenant exists for another. Default: `default`. */
  tenant?: string | undefined;
  /** What it may do, where that is not what its role does: `chat`, `observe`; `host` goes with that role. */
  scopes?: readonly Scope[] | undefined;
  /**
   * Which agents of its tenant exist for it. Default: all. Asked for each row of a list; a throw is a no. Give the same
   * person the same function each time: by it the broker knows what they see, and so by which numbers they have heard of
   * events. With a new function they count from what is kept, as somebody who was never here.
   */
  mayUse?: ((agentId: string) => boolean) | undefined;
}

/** `true` stands for `{ role: 'client' }`, and nothing more; `false` and nothing at all for a refusal. */
export type AuthAnswer = AuthIdentity | boolean | undefined | null;

/**
 * Says who a token is, now or later. It is asked what the broker's own tokens, and JWTs of its issuer, do not
 * answer. It has to answer what was
 * asked: somebody who names an agent is refused unless that `agentId` comes back, somebody with a host token unless the
 * role is `host`. A refusal has one text, whatever its reason; what it throws is logged, and a refusal.
 */
export type AuthFunction = (question: AuthQuestion) => AuthAnswer | Promise<AuthAnswer>;

const KNOWN = {
  role: true,
  agentId: true,
  name: true,
  sub: true,
  tenant: true,
  scopes: true,
  mayUse: true,
} satisfies Record<keyof AuthIdentity, true>;
const ROLES: ReadonlySet<unknown> = new Set(['client', 'agent', 'host']);

/**
 * The identity that an answer grants; undefined where it refuses, or is none to what was asked.
 * @throws {TypeError} where it is no answer at all.
 */
export function toIdentity(answer: AuthAnswer, asked: ParamsOf<'session.auth'>): Identity | undefined {
  if (answer === undefined || answer === null || answer === false) return undefined;
  if (answer !== true && typeof answer !== 'object') throw new TypeError('auth gave neither an identity nor a boolean');
  const given: AuthIdentity = answer === true ? { role: 'client' } : answer;
  checkOptions('what auth gave', given, KNOWN);
  const { agentId, role = agentId === undefined ? 'client' : 'agent', name } = given;
  if (!ROLES.has(role)) throw new TypeError('what auth gave: role is client, agent or host');
  if ((role === 'agent') !== (agentId !== undefined))
    throw new TypeError('what auth gave: role agent goes with an agentId, and no other does');
  if (agentId !== undefined && !agentIdSchema.safeParse(agentId).success)
    throw new TypeError('what auth gave: agentId is 1–128 of [A-Za-z0-9._-]');
  if (name !== undefined && typeof name !== 'string') throw new TypeError('what auth gave: name is a string');
  if (asked.agent_id !== undefined && asked.agent_id !== agentId) return undefined;
  if (asked.host_token !== undefined && role !== 'host') return undefined;
  return {
    role,
    ...(agentId === undefined ? {} : { agentId }),
    ...(name === undefined ? {} : { name }),
    principal: principalGiven(given, agentId),
    ...accessGiven(given, role),
  };
}

/** @throws {TypeError} */
function principalGiven({ tenant, sub }: AuthIdentity, agentId: string | undefined): Principal {
  if (tenant === undefined && sub === undefined)
    return agentId === undefined ? LOCAL : principalOfAgent(DEFAULT_TENANT, agentId);
  if (sub === undefined && agentId === undefined) throw new TypeError('what auth gave: a tenant goes with a sub');
  const wished = { tenant: tenant ?? DEFAULT_TENANT, sub: sub ?? principalOfAgent('', agentId ?? '').sub };
  // Its own sub an agent may be given as well.
  if (sub !== undefined && isReservedSubject(sub) && sub !== principalOfAgent('', agentId ?? '').sub)
    throw new TypeError(`what auth gave: sub ${RESERVED}`);
  const checked = principal.safeParse(wished);
  if (checked.success) return Object.freeze(checked.data);
  const [issue] = checked.error.issues;
  throw new TypeError(`what auth gave: ${issue?.path.join('.')} is ${issue?.message}`);
}

/** @throws {TypeError} */
function accessGiven({ scopes, mayUse }: AuthIdentity, role: Identity['role']): Pick<Identity, 'scopes' | 'mayUse'> {
  if (scopes !== undefined && !(Array.isArray(scopes) && scopes.every((scope) => SCOPES.includes(scope))))
    throw new TypeError(`what auth gave: scopes are of ${SCOPES.join(', ')}`);
  if (scopes?.includes('host') && role !== 'host')
    throw new TypeError('what auth gave: scope host goes with role host');
  if (mayUse !== undefined && typeof mayUse !== 'function') throw new TypeError('what auth gave: mayUse is a function');
  return {
    ...(scopes === undefined ? {} : { scopes: new Set(scopes) }),
    ...(mayUse === undefined ? {} : { mayUse: totalMayUse(mayUse) }),
  };
}

const RESERVED =
  'is not local, which whoever is given no sub is, and begins with agent: for the agent of that agentId alone';

type MayUse = (agentId: string) => boolean;

/** One for each function of an embedder's: clients that are given the same one see the same, and are told the same events. */
const totals = new WeakMap<MayUse, MayUse>();

/** An embedder's function, asked in the middle of what must not break. */
function totalMayUse(mayUse: MayUse): MayUse {
  const known = totals.get(mayUse);
  if (known) return known;
  const total: MayUse = (agentId) => {
    try {
      return mayUse(agentId) === true;
    } catch {
      return false;
    }
  };
  totals.set(mayUse, total);
  return total;
}
