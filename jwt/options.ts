import type { JSONWebKeySet } from 'jose';
import { checkOptions } from '../protocol/options.ts';

/** Whose JWTs a broker takes, and what they have to say (`docs/identity.md`). */
export interface JwtOptions {
  /** What `iss` has to be, letter by letter: the authorization server's own name, a URL as a rule. */
  issuer: string;
  /** What has to be in `aud`: what the broker is called there. Best the URL that clients reach it by. */
  audience: string;
  /** Where the issuer's keys are: `https:`, or `http:` on this machine. Or {@link jwks}. */
  jwksUrl?: string | URL | undefined;
  /** The issuer's keys themselves, a JSON Web Key Set. Public ones alone. Or {@link jwksUrl}. */
  jwks?: JSONWebKeySet | undefined;
  /** The claim that names the tenant; a token without it is of `default`. Default: all are. */
  tenantClaim?: string | undefined;
}

const KNOWN = { issuer: true, audience: true, jwksUrl: true, jwks: true, tenantClaim: true } satisfies Record<
  keyof JwtOptions,
  true
>;

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether keys may be fetched from there: what is not encrypted anybody on the way could replace. */
export function isJwksUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username || password) return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** What is wrong with a set of keys, for whoever runs the broker; undefined where nothing is. */
export function jwksFault(jwks: unknown): string | undefined {
  const { keys } = Object(jwks) as { keys?: unknown };
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key)))
    return 'is no JSON Web Key Set, {"keys": […]}';
  if (keys.length === 0) return 'has no key';
  if (keys.some((key) => 'd' in key || 'k' in key)) return 'has a private key in it, which no broker needs';
  return undefined;
}

/** @throws {TypeError} where one is unknown, or wrong. */
export function checkJwtOptions(where: string, options: JwtOptions): void {
  const { issuer, audience, jwksUrl, jwks, tenantClaim } = options ?? {};
  checkOptions(where, options, KNOWN);
  for (const [name, value] of Object.entries({
    issuer,
    audience,
    ...(tenantClaim === undefined ? {} : { tenantClaim }),
  }))
    if (typeof value !== 'string' || value === '') throw new TypeError(`${where}: ${name} is a text`);
  if ((jwksUrl === undefined) === (jwks === undefined)) throw new TypeError(`${where}: jwksUrl or jwks, one of them`);
  if (jwksUrl !== undefined && !isJwksUrl(String(jwksUrl)))
    throw new TypeError(`${where}: jwksUrl is https:, or http: on this machine, without a user`);
  if (jwks !== undefined) checkJwks(`${where}, jwks`, jwks);
}

/** @throws {TypeError} */
export function checkJwks(where: string, jwks: unknown): void {
  const fault = jwksFault(jwks);
  if (fault !== undefined) throw new TypeError(`${where}: it ${fault}`);
}
