import type { Identity } from '../../machines/connection.machine.ts';
import { agentId as agentIdSchema } from '../../protocol/ids.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { checkOptions } from '../../protocol/options.ts';
import type { UpgradeRequest } from '../../protocol/upgrade-request.ts';

/** What one `session.auth` shows, for an embedder's {@link AuthFunction} to judge. The tokens are secrets. */
export interface AuthQuestion {
  /** What came as `token`. */
  token: string | undefined;
  /** What came as `host_token`: whoever sends one asks for the management role. */
  hostToken: string | undefined;
  /** What came as `agent_id`: the agent that the connection says it is. */
  agentId: string | undefined;
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
  /** What to call it, for people: {@link Caller.name} of the embedder's own methods. */
  name?: string | undefined;
}

/** `true` stands for `{ role: 'client' }`, and nothing more; `false` and nothing at all for a refusal. */
export type AuthAnswer = AuthIdentity | boolean | undefined | null;

/**
 * Says who a token is, now or later. It is asked what the broker's own tokens do not answer. It has to answer what was
 * asked: somebody who names an agent is refused unless that `agentId` comes back, somebody with a host token unless the
 * role is `host`. A refusal has one text, whatever its reason; what it throws is logged, and a refusal.
 */
export type AuthFunction = (question: AuthQuestion) => AuthAnswer | Promise<AuthAnswer>;

const KNOWN = { role: true, agentId: true, name: true } satisfies Record<keyof AuthIdentity, true>;
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
  return { role, ...(agentId === undefined ? {} : { agentId }), ...(name === undefined ? {} : { name }) };
}
