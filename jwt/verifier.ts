import type { JSONWebKeySet } from 'jose';
import { isJwtLike, type JwtFault, type JwtVerifier, type VerifiedJwt } from '../protocol/jwt.ts';
import type { Limits } from '../protocol/limits.ts';
import { ClaimReader } from './claims.ts';
import { fetchText, shownUrl } from './fetch-text.ts';
import { JwtCache, keyOf } from './jwt-cache.ts';
import { FetchedKeys, GivenKeys, type IssuerKeys, type KeyNews, type MakeSet } from './key-set.ts';
import { type JwtOptions, jwksFault } from './options.ts';
import { faultOf } from './refusal.ts';
import { Turnstile } from './turnstile.ts';

/** What a signature may be made with. No secret's: whoever can verify such a token could make one. */
const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'];
/** How far an issuer's clock may be from ours, in seconds. */
const TOLERANCE_S = 30;

/** What a verifier needs of the broker around it. */
export interface VerifierWorld {
  limits: Limits;
  /** Unix milliseconds, by the wall's clock: an issuer has no other. */
  wallNow(): number;
  /** How time passes. */
  clock: { now(): number; setTimeout(run: () => void, ms: number): unknown };
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** `jose`, brought in with the first token. */
const loadJose = () => import('jose');

/** Proves what JWTs say, by `jose` (`docs/protocol.md#jwt`). */
export class Verifier implements JwtVerifier {
  readonly issuer: string;
  readonly audience: string;
  readonly #keys: IssuerKeys;
  readonly #claims: ClaimReader;
  readonly #cache: JwtCache;
  readonly #turnstile: Turnstile;
  readonly #wallNow: () => number;
  /** Those that are being verified, or wait for it. */
  readonly #pending = new Map<string, Promise<VerifiedJwt | JwtFault>>();

  constructor(options: JwtOptions, world: VerifierWorld) {
    const { limits, clock } = world;
    this.issuer = options.issuer;
    this.audience = options.audience;
    this.#wallNow = world.wallNow;
    this.#claims = new ClaimReader(options.tenantClaim);
    this.#cache = new JwtCache(limits.maxJwtCacheBytes);
    this.#turnstile = new Turnstile({
      atOnce: limits.maxJwtVerifications,
      perSecond: limits.jwtVerificationsPerSecond,
      maxWaiting: limits.maxWaitingJwts,
      now: () => clock.now(),
      setTimeout: (run, ms) => clock.setTimeout(run, ms),
    });
    this.#keys = this.#keysOf(options, world);
  }

  get isBusy(): boolean {
    return this.#turnstile.isFull;
  }

  /** Fetches the issuer's keys before anybody comes, where they are fetched. What fails is logged. */
  warm(): void {
    if (this.#keys instanceof FetchedKeys) void this.#keys.warm();
  }

  /** From now on the issuer has these keys. @throws {Error} where it is asked for them itself */
  renew(jwks: JSONWebKeySet): void {
    if (!(this.#keys instanceof GivenKeys)) throw new Error('the keys of the issuer are fetched from jwksUrl');
    this.#keys.renew(jwks);
    this.#cache.clear();
  }

  known(token: string): VerifiedJwt | undefined {
    return this.#cached(keyOf(token));
  }

  #cached(key: string): VerifiedJwt | undefined {
    const known = this.#cache.get(key, this.#wallNow());
    return known && this.#keys.vouchStill() ? known : undefined;
  }

  verify(token: string): Promise<VerifiedJwt | JwtFault> {
    // It costs no place; and blanks, which a decoder of base64 passes over, make no other token of the same.
    if (!isJwtLike(token)) return Promise.resolve('jwt_malformed');
    const key = keyOf(token);
    const known = this.#cached(key);
    if (known) return Promise.resolve(known);
    // A page that opens ten connections is one verification.
    const pending = this.#pending.get(key);
    if (pending) return pending;
    if (this.isBusy) return Promise.resolve('jwt_busy');
    const { era } = this.#cache;
    const verified = this.#turnstile
      .pass(() => this.#prove(token))
      .catch(faultOf)
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, verified);
    return verified.then((found) => {
      // Where its key has gone meanwhile it was good until now, and no longer.
      if (typeof found !== 'string' && era === this.#cache.era) this.#cache.put(key, token, found);
      return found;
    });
  }

  async #prove(token: string): Promise<VerifiedJwt | JwtFault> {
    const { jwtVerify } = await loadJose();
    const { issuer, audience } = this;
    const { payload } = await jwtVerify(token, this.#keys.find, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(this.#wallNow()),
      requiredClaims: ['exp', 'sub'],
    });
    return this.#claims.read(payload, this.#wallNow());
  }

  #keysOf({ jwksUrl, jwks }: JwtOptions, { limits, clock, log }: VerifierWorld): IssuerKeys {
    if (jwksUrl === undefined) return new GivenKeys(jwks as JSONWebKeySet, makeSet);
    const url = String(jwksUrl);
    return new FetchedKeys({
      fetch: () => fetchText(url, limits.jwksTimeoutMs, limits.maxJwksBytes),
      make: makeSet,
      now: () => clock.now(),
      news: this.#newsOf(shownUrl(url), log),
    });
  }

  #newsOf(url: string, log: VerifierWorld['log']): KeyNews {
    return {
      failed(why, oldMs) {
        const instead = oldMs === undefined ? 'nobody comes in by a JWT' : `those from ${since(oldMs)} ago go on`;
        log.warn({}, `the keys of the issuer cannot be had from ${url}: ${why}; ${instead}`);
      },
      back: () => log.info({}, `the keys of the issuer can be had again from ${url}`),
      changed: () => this.#cache.clear(),
    };
  }
}

const since = (ms: number): string => `${Math.round(ms / 60_000)} min`;

const makeSet: MakeSet = async (jwks) => {
  const fault = jwksFault(jwks);
  if (fault !== undefined) throw new Error(`it ${fault}`);
  const { createLocalJWKSet } = await loadJose();
  return createLocalJWKSet(jwks) as Awaited<ReturnType<MakeSet>>;
};
