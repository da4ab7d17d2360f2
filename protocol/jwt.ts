import { z } from 'zod';

/** Longest JWT in `session.auth` and `session.refresh`, in characters (`docs/protocol.md#jwt`). In a header it has 8 KiB. */
export const MAX_JWT = 32 * 1024;

/** So long after its end a JWT counts, in milliseconds: who comes by it is let in, and whoever is in is closed then. */
const GRACE_MS = 25_000;

/**
 * Whether a JWT lets nobody in any more, and whoever came by it is closed: one rule, so that nobody is let in to be closed.
 * @param expiresAt Unix milliseconds, as `now`
 */
export const isJwtOver = (expiresAt: number, now: number): boolean => now >= expiresAt + GRACE_MS;

/** How long it is until then, in milliseconds. */
export const jwtMsLeft = (expiresAt: number, now: number): number => expiresAt + GRACE_MS - now;

/** A JWT as it is written in JSON. */
export const jwtText = () => z.string().max(MAX_JWT);

const COMPACT = /^[\w-]{2,}\.[\w-]{2,}\.[\w-]*$/;

/** Whether a token looks like a JWT: no key and no token of the broker's own does. */
export const isJwtLike = (token: string): boolean => COMPACT.test(token);

/** Why a JWT is refused: for the log and the metrics alone. */
export type JwtFault =
  | 'jwt_malformed'
  | 'jwt_algorithm'
  | 'jwt_key'
  | 'jwt_signature'
  | 'jwt_expired'
  | 'jwt_early'
  | 'jwt_issuer'
  | 'jwt_audience'
  | 'jwt_claims'
  | 'jwt_subject'
  | 'jwt_tenant'
  | 'jwt_agents'
  | 'jwks'
  | 'jwt_busy';

/** What a JWT says, once that is proved. */
export interface VerifiedJwt {
  readonly tenant: string;
  /** Nobody's that a token of the daemon's or an agent's proves. */
  readonly sub: string;
  /** What to call them, for people. */
  readonly name: string | undefined;
  /** Those that mean something here: `chat`, `observe`, `host`, `agent:ID`, `agent:*`. */
  readonly scopes: ReadonlySet<string>;
  /** Which agents of its tenant exist for it. Undefined: all. The same function for the same agents each time. */
  readonly mayUse: ((agentId: string) => boolean) | undefined;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Who proves what a JWT says. */
export interface JwtVerifier {
  /** Whom it trusts. */
  readonly issuer: string;
  /** For whom tokens have to be. */
  readonly audience: string;
  /** No more can wait to be verified. */
  readonly isBusy: boolean;
  /** One that was verified before, and has not ended since. */
  known(token: string): VerifiedJwt | undefined;
  /** Never rejects. */
  verify(token: string): Promise<VerifiedJwt | JwtFault>;
}

/** Where RFC 9728 says what a resource is and who gives tokens for it. */
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** What is told of the broker as a resource (RFC 9728, `docs/protocol.md#jwt`). */
export interface ProtectedResource {
  /** Where its metadata is: whole where its name is a URL, else the path on the broker's own port. */
  readonly location: string;
  /** The paths that have it. */
  readonly paths: readonly string[];
  readonly metadata: object;
}

/** See {@link ProtectedResource}. */
export function protectedResource({ issuer, audience }: Pick<JwtVerifier, 'issuer' | 'audience'>): ProtectedResource {
  const url = /^https?:/i.test(audience) && URL.canParse(audience) ? new URL(audience) : undefined;
  const below = url ? url.pathname.replace(/\/$/, '') : '';
  return {
    location: url ? `${url.origin}${WELL_KNOWN}${below}` : WELL_KNOWN,
    paths: below === '' ? [WELL_KNOWN] : [WELL_KNOWN, WELL_KNOWN + below],
    metadata: {
      resource: audience,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['chat', 'observe', 'host', 'agent:*'],
      resource_name: 'Switchboard',
    },
  };
}
