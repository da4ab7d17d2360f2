import type { Identity } from '../../machines/connection.machine.ts';
import { AuthUnavailableError } from '../../protocol/auth-unavailable.ts';
import type { Front } from '../../protocol/grants.ts';
import { DEFAULT_TENANT, LOCAL } from '../../protocol/principal.ts';
import type { UpgradeRequest } from '../../protocol/upgrade-request.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type AuthFault, noteRefusal, retryMsOf } from './auth-fault.ts';
import { type AuthIdentity, toIdentity } from './auth-function.ts';
import { AUTH } from './authenticator.ts';

/*
 * Tokens that come in a header of an HTTP request, and not in `session.auth` (`docs/protocol.md#keys`).
 */

/**
 * Who an upgrade comes by its token as: from the start, `session.auth` or not. `refused`: nobody has such a token; it is
 * counted, noted and logged. Undefined: that is for `session.auth` to say, where nobody has to say who they are, where an
 * embedder's function may know, and where it has to be noted and cannot be. An {@link AuthUnavailableError}: it is a JWT, and
 * cannot be judged now. One that was not verified before is judged later.
 * @param remote - the address that it comes from
 */
export function judgeUpgrade(kernel: Kernel, token: string, remote: string | undefined): Judged | Promise<Judged> {
  const auth = kernel.get(AUTH);
  const { audit } = kernel;
  if (!auth.enabled || (audit.isRequired && !audit.state.isWritable)) return undefined;
  const judge = (found: Identity | AuthFault) => judged(kernel, found, remote);
  const found = auth.identifyBearer(token, 'ws');
  if (found !== 'unproved') return judge(found);
  return auth.isBusy ? judge('jwt_busy') : auth.prove(token, {}).then(judge);
}

/** Who an upgrade comes by its token as: see {@link judgeUpgrade}. */
export type Judged = Identity | 'refused' | AuthUnavailableError | undefined;

function judged(kernel: Kernel, found: Identity | AuthFault, remote: string | undefined): Judged {
  const { audit } = kernel;
  if (typeof found !== 'string') return found;
  const retryMs = retryMsOf(found);
  if (kernel.get(AUTH).asks && found !== 'jwt_busy') return undefined;
  noteRefusal(kernel, 'an upgrade', found);
  if (retryMs !== undefined) return new AuthUnavailableError(retryMs);
  audit.authFailed({ ip: remote ?? 'unix' }, kernel.clock.now());
  return 'refused';
}

/**
 * Who a request comes by its token as, an embedder's function asked where it is none of the broker's own. Undefined:
 * nobody; that is counted, and logged.
 * @param front - the door that it came by
 * @throws {AuthUnavailableError} where that cannot be found out now, which is counted and logged too
 */
export async function identifyRequest(
  kernel: Kernel,
  token: string | undefined,
  request: UpgradeRequest,
  front: Front,
): Promise<AuthIdentity | undefined> {
  const auth = kernel.get(AUTH);
  const given = auth.enabled && token === undefined ? 'no_token' : auth.identifyBearer(token ?? '', front);
  const found = given === 'unproved' ? await auth.prove(token ?? '', {}) : given;
  if (typeof found !== 'string') return vouchFor(byFront(found, front));
  const { limits } = kernel;
  let fault = found;
  if (auth.asks && auth.asking >= limits.maxConnections) fault = 'function_busy';
  else if (auth.asks) {
    if (retryMsOf(found) === undefined) fault = 'function';
    try {
      const identity = await auth.askWithin(token === undefined ? {} : { token }, request, limits.authTimeoutMs);
      if (identity) return vouchFor(byFront(identity, front));
    } catch {
      kernel.sparseLog.error({ front }, 'the function for auth failed');
    }
  }
  noteRefusal(kernel, 'a request', fault, { front });
  const retryMs = retryMsOf(fault);
  if (retryMs !== undefined) throw new AuthUnavailableError(retryMs);
  kernel.audit.authFailed({ ip: request.socket.remoteAddress ?? 'unix' }, kernel.clock.now());
  return undefined;
}

/**
 * Whether the metrics, which are all tenants' and all agents', are for whoever asks: the daemon's own person, or who may look at
 * all.
 * @throws {AuthUnavailableError} as {@link identifyRequest}
 */
export async function mayScrape(kernel: Kernel, token: string | undefined, request: UpgradeRequest): Promise<boolean> {
  const found = await identifyRequest(kernel, token, request, 'ws');
  if (!found || (found.tenant ?? DEFAULT_TENANT) !== DEFAULT_TENANT || found.role === 'agent') return false;
  // They tell of all agents: they are not for whoever is to see some.
  if (found.mayUse) return false;
  if (found.role === 'host' || found.scopes?.includes('observe')) return true;
  return found.sub === LOCAL.sub && found.scopes === undefined;
}

/** What the broker itself has said of somebody: the key that they came by goes on with it. */
const vouched = new WeakMap<AuthIdentity, Identity>();

/** Nobody manages by a front of other people's programs, whatever their key is for: there they may chat. */
function byFront(identity: Identity, front: Front): Identity {
  if (front === 'ws' || identity.role !== 'host') return identity;
  const scopes = new Set(identity.scopes);
  scopes.delete('host');
  return { ...identity, role: 'client', scopes: scopes.add('chat') };
}

function vouchFor(identity: Identity): AuthIdentity {
  const { role, agentId, name, principal, scopes, mayUse } = identity;
  const told = Object.freeze({ role, agentId, name, ...principal, scopes: scopes && [...scopes], mayUse });
  vouched.set(told, identity);
  return told;
}

/** Who `broker.connect()` is told that it is. @throws {TypeError} for what is no identity */
export const identityGiven = (given: AuthIdentity): Identity | undefined => vouched.get(given) ?? toIdentity(given, {});
