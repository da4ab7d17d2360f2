import { WireError } from '../../protocol/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';

/**
 * What was wrong with whoever is refused: told to whoever runs the broker, in the log and in `/metrics`, and to nobody
 * else. The peer gets one answer for all of it, so that nobody finds out which agents and keys there are. Few texts,
 * without a secret.
 */
export const AUTH_FAULTS = {
  no_token: 'it has no token',
  no_known_token: 'no token that the broker knows',
  daemon_token: 'a wrong daemon token',
  host_token: 'a wrong host token',
  agent_token: "a wrong token of an agent's",
  unknown_agent: 'an agent that nobody has added',
  certificate_agent: 'no token, and a certificate that is not for this agent',
  certificate_which: "no token, no agent_id, and a certificate of an agent's",
  certificate_unnamed: 'no token, and a certificate that names nobody',
  key_unknown: 'a key that nobody has made',
  key_expired: 'a key that has expired',
  key_removed: 'a key that was removed',
  key_rotated: 'a key that another has taken the place of',
  key_front: 'a key that is not for this way in',
  key_scope: 'a key without the scope host, in place of the host token',
  key_agent: "a key in place of an agent's own token",
  jwt_off: 'a JWT, and there is no issuer whose are taken',
  jwt_malformed: 'a JWT that is none',
  jwt_algorithm: 'a JWT whose algorithm is none of ES256, RS256, EdDSA',
  jwt_key: 'a JWT with a key that the issuer has not',
  jwt_signature: 'a JWT whose signature is wrong',
  jwt_expired: 'a JWT that has expired',
  jwt_early: 'a JWT that is not valid yet',
  jwt_issuer: 'a JWT of another issuer',
  jwt_audience: 'a JWT for another audience',
  jwt_claims: 'a JWT without exp, or with a time that is none',
  jwt_subject: 'a JWT without sub, or with one that nobody may have',
  jwt_tenant: 'a JWT whose tenant is none',
  jwt_agents: 'a JWT whose agents are no list of agents',
  jwt_scope: 'a JWT without a scope for what it is to be',
  jwt_other: 'a JWT of somebody else, in session.refresh',
  jwt_busy: 'a JWT, while too many wait to be verified',
  jwks: 'a JWT, and the key of the issuer cannot be had, or not be used',
  bearer: 'a bearer token that is nobody’s',
  function: 'the function for auth knows nobody by that',
  function_busy: 'the function for auth has too many questions unanswered',
} as const;

/** See {@link AUTH_FAULTS}. */
export type AuthFault = keyof typeof AUTH_FAULTS;

/**
 * What could not be judged: no wrong token, and counted against nobody. After so long, in milliseconds, whoever has it may try
 * again; the issuer is asked for its keys twice a minute at most.
 */
const UNJUDGED_MS: Partial<Record<AuthFault, number>> = { jwt_busy: 1_000, jwks: 30_000, function_busy: 1_000 };

/** See {@link UNJUDGED_MS}; undefined where it was judged. */
export const retryMsOf = (why: AuthFault): number | undefined => UNJUDGED_MS[why];

/** What whoever comes over the wire is told of what could not be judged. */
export function notNow({ limits }: Kernel, why: AuthFault): WireError {
  const ms = retryMsOf(why);
  if (why === 'jwks') return WireError.limitExceeded('issuer_keys', 0, ms);
  if (why === 'function_busy') return WireError.limitExceeded('max_connections', limits.maxConnections, ms);
  return WireError.limitExceeded('max_waiting_jwts', limits.maxWaitingJwts, ms);
}

/** What was refused. */
type Refused = 'session.auth' | 'session.refresh' | 'an upgrade' | 'a request';

/** Counts a refusal, and says in the log why. @param fields - who it was, as far as that is known */
export function noteRefusal({ counters, sparseLog }: Kernel, what: Refused, why: AuthFault, fields: object = {}): void {
  counters.refuseAuth(why);
  sparseLog.warn(fields, `${what} was refused: ${AUTH_FAULTS[why]}`);
}
