import type { Identity } from '../../machines/connection.machine.ts';
import type { ClientCertificate } from '../../protocol/client-certificate.ts';
import { WireError } from '../../protocol/errors.ts';
import { type Front, KEY_PREFIX } from '../../protocol/grants.ts';
import { isJwtLike, type JwtVerifier, protectedResource } from '../../protocol/jwt.ts';
import type { Link } from '../../protocol/link.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { DEFAULT_TENANT, LOCAL, principalOfAgent } from '../../protocol/principal.ts';
import type { UpgradeRequest } from '../../protocol/upgrade-request.ts';
import { key } from '../kernel/key.ts';
import { type AgentRegistry, hashToken, tokenMatches } from './agent-registry.ts';
import { type AuthFault, retryMsOf } from './auth-fault.ts';
import { type AuthFunction, type AuthQuestion, toIdentity } from './auth-function.ts';
import { identityOf } from './certificate-identity.ts';
import { identityOfJwt, type Wish } from './jwt-identity.ts';
import type { KeyRing } from './key-ring.ts';

/** Whoever knows the daemon's token. */
const LOCAL_CLIENT: Identity = { role: 'client', principal: LOCAL };

/** Whoever knows the daemon's host token. */
const LOCAL_HOST: Identity = { role: 'host', principal: LOCAL };

/** An agent by its own token. */
const agentIdentity = (tenant: string, agentId: string): Identity => ({
  role: 'agent',
  agentId,
  principal: principalOfAgent(tenant, agentId),
});

/** Who judges `session.auth`. */
export const AUTH = key<Authenticator>('the authenticator');

/** Judges `session.auth` (`wire.md` section 3). */
export class Authenticator {
  /** False: any token is taken, and ids bind without proof. */
  readonly enabled: boolean;
  /** Whether an embedder's function is asked where the broker's own tokens do not match. */
  readonly asks: boolean;
  /** The embedder's questions that have no answer yet, those included that nobody waits for any more. */
  asking = 0;
  /** Where it is said whose JWTs count; undefined: nobody's. */
  readonly resourceMetadata: string | undefined;
  readonly #agents: AgentRegistry;
  readonly #keys: KeyRing;
  readonly #jwts: JwtVerifier | undefined;
  readonly #daemonHash: string;
  readonly #hostHash: string;
  readonly #ask: AuthFunction | undefined;
  /** The requests that connections came from, for as long as they may be asked about. Never part of an event: cookies. */
  readonly #requests = new WeakMap<Link, UpgradeRequest>();

  constructor(options: {
    enabled: boolean;
    /** Asked where the broker's own tokens do not match. */
    ask?: AuthFunction | undefined;
    tokens: { daemon: string; host: string };
    agents: AgentRegistry;
    keys: KeyRing;
    /** Proves JWTs. Undefined: none is taken. */
    jwts?: JwtVerifier | undefined;
  }) {
    this.enabled = options.enabled;
    this.#ask = options.ask;
    this.asks = options.ask !== undefined;
    this.#agents = options.agents;
    this.#keys = options.keys;
    this.#jwts = options.jwts;
    this.resourceMetadata = options.jwts && protectedResource(options.jwts).location;
    this.#daemonHash = hashToken(options.tokens.daemon);
    this.#hostHash = hashToken(options.tokens.host);
  }

  /** Keeps what a link was upgraded from, where anybody may ask. */
  remember(link: Link, request: UpgradeRequest): void {
    if (this.asks) this.#requests.set(link, request);
  }

  /** Nobody asks about this link any more. */
  forget(link: Link): void {
    this.#requests.delete(link);
  }

  /**
   * Who these parameters prove the caller to be, or why no token of the broker's own does. `unproved`: there is a JWT that has
   * to be verified first, see {@link ask}.
   * @throws {WireError} `-32602` where they name nobody in particular.
   */
  identify(params: ParamsOf<'session.auth'>, certificate?: ClientCertificate): Identity | AuthFault | 'unproved' {
    const { token, agent_id: agentId, host_token: hostToken, jwt } = params;
    if (jwt !== undefined && (token || hostToken))
      throw WireError.invalidParams([{ path: 'jwt', message: 'goes with no token and no host_token' }]);
    if (agentId !== undefined && hostToken !== undefined) {
      throw WireError.invalidParams([{ path: 'agent_id', message: 'goes with token, not with host_token' }]);
    }
    if (!this.enabled) {
      if (hostToken !== undefined) return LOCAL_HOST;
      return agentId === undefined ? LOCAL_CLIENT : agentIdentity(DEFAULT_TENANT, agentId);
    }
    if (jwt !== undefined) return this.#known(jwt, { agentId });
    if (hostToken !== undefined) return this.#host(hostToken);
    if (certificate && !token) {
      const identity = identityOf(certificate, agentId);
      // Which person a certificate is, an embedder's function decides, where there is one.
      if (identity && (identity.role === 'agent' || !this.asks)) return identity;
      // One that says something else is not a lack.
      return certificateFault(certificate, agentId);
    }
    // Who has none may be known to the function by a cookie.
    if (token === undefined) return this.asks ? 'no_known_token' : 'no_token';
    if (agentId !== undefined) return this.#agent(agentId, token);
    return tokenMatches(token, this.#daemonHash) ? LOCAL_CLIENT : this.#key(token, 'ws', 'daemon_token');
  }

  /**
   * Who comes by a token that stands in a header, and so names nobody else. `unproved`: see {@link prove}.
   * @param front - by which way
   */
  identifyBearer(token: string, front: Front): Identity | AuthFault | 'unproved' {
    if (!this.enabled) return LOCAL_CLIENT;
    if (tokenMatches(token, this.#hostHash)) return LOCAL_HOST;
    if (tokenMatches(token, this.#daemonHash)) return LOCAL_CLIENT;
    if (this.#jwts && isJwtLike(token)) return this.#known(token, {});
    return this.#key(token, front, 'bearer');
  }

  /** Whether so many JWTs wait to be verified that no other can. */
  get isBusy(): boolean {
    return this.#jwts?.isBusy === true;
  }

  /** Who comes by a JWT, once that is proved, or why nobody does. Never rejects. */
  async prove(jwt: string, wish: Wish): Promise<Identity | AuthFault> {
    if (!this.#jwts) return 'jwt_off';
    const found = await this.#jwts.verify(jwt);
    return typeof found === 'string' ? found : identityOfJwt(found, wish);
  }

  #known(jwt: string, wish: Wish): Identity | AuthFault | 'unproved' {
    if (!this.#jwts) return 'jwt_off';
    const known = this.#jwts.known(jwt);
    return known ? identityOfJwt(known, wish) : 'unproved';
  }

  #host(token: string): Identity | AuthFault {
    if (tokenMatches(token, this.#hostHash)) return LOCAL_HOST;
    const found = this.#key(token, 'ws', 'host_token');
    return typeof found === 'string' || found.role === 'host' ? found : 'key_scope';
  }

  #agent(agentId: string, token: string): Identity | AuthFault {
    const tenant = this.#agents.tenantOfToken(agentId, token);
    if (tenant !== undefined) return agentIdentity(tenant, agentId);
    if (token.startsWith(KEY_PREFIX)) return 'key_agent';
    return this.#agents.hasInAny(agentId) ? 'agent_token' : 'unknown_agent';
  }

  /** @param otherwise - what is wrong with it where it is no key */
  #key(token: string, front: Front, otherwise: AuthFault): Identity | AuthFault {
    if (!token.startsWith(KEY_PREFIX)) return otherwise;
    const found = this.#keys.find(token, front);
    return typeof found === 'string' ? `key_${found}` : found;
  }

  /**
   * Who they are by their JWT, and, where that is nobody, by the embedder's function, if there is one. Rejects with whatever
   * that throws, and where it gives no answer.
   */
  async ask(params: ParamsOf<'session.auth'>, link: Link, signal: AbortSignal): Promise<Identity | AuthFault> {
    const { jwt, agent_id: agentId } = params;
    const proved = jwt === undefined ? 'function' : await this.prove(jwt, { agentId });
    if (typeof proved !== 'string' || !this.asks || signal.aborted) return proved;
    const known = await this.#askFunction(params, link, signal);
    return known ?? (retryMsOf(proved) === undefined ? 'function' : proved);
  }

  #askFunction(params: ParamsOf<'session.auth'>, link: Link, signal: AbortSignal): Promise<Identity | undefined> {
    return this.#askFor(params, () => ({ request: this.#requests.get(link), certificate: link.certificate }), signal);
  }

  /** The same of somebody who has no connection yet; undefined, too, where the answer takes longer than that. */
  askWithin(params: ParamsOf<'session.auth'>, request: UpgradeRequest, ms: number): Promise<Identity | undefined> {
    const signal = AbortSignal.timeout(ms);
    const asked = this.#askFor(params, () => ({ request, certificate: undefined }), signal);
    const late = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    return Promise.race([asked, late]);
  }

  async #askFor(
    params: ParamsOf<'session.auth'>,
    whence: () => Pick<AuthQuestion, 'request' | 'certificate'>,
    signal: AbortSignal,
  ): Promise<Identity | undefined> {
    const { token, agent_id: agentId, host_token: hostToken, jwt } = params;
    this.asking += 1;
    try {
      // Not from inside the connection's own step.
      await undefined;
      const answer = await this.#ask?.({ token, agentId, hostToken, jwt, ...whence(), signal });
      return toIdentity(answer, params);
    } finally {
      this.asking -= 1;
    }
  }
}

function certificateFault({ agentIds }: ClientCertificate, agentId: string | undefined): AuthFault {
  if (agentId !== undefined) return 'certificate_agent';
  return agentIds.length > 0 ? 'certificate_which' : 'certificate_unnamed';
}
