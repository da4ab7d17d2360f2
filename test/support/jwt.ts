import { createHmac } from 'node:crypto';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';

export const ISSUER = 'https://idp.example';
export const AUDIENCE = 'https://broker.example/';

/** What a token says besides whose, for whom and until when. `at`: Unix milliseconds at which it is made. */
export interface Wish {
  [claim: string]: unknown;
  at?: number;
  lastsS?: number;
}

/** An authorization server, as far as its tokens go. */
export class Issuer {
  readonly jwks: JSONWebKeySet;
  readonly publicPem: string;
  readonly #key: CryptoKey;
  readonly #alg: string;
  readonly kid: string;

  private constructor(alg: string, kid: string, key: CryptoKey, jwks: JSONWebKeySet, publicPem: string) {
    this.#alg = alg;
    this.kid = kid;
    this.#key = key;
    this.jwks = jwks;
    this.publicPem = publicPem;
  }

  static async create(alg = 'ES256', kid = 'k1'): Promise<Issuer> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
    return new Issuer(alg, kid, privateKey, { keys: [jwk] }, await exportSPKI(publicKey));
  }

  /** A token that is as it should be, but for what is wished. A claim that is null is left out. */
  token({ at = 0, lastsS = 600, ...claims }: Wish = {}, header: object = {}): Promise<string> {
    const now = Math.floor(at / 1000);
    const all = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'chat', iat: now, exp: now + lastsS, ...claims };
    const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    return new SignJWT(said).setProtectedHeader({ alg: this.#alg, kid: this.kid, ...header }).sign(this.#key);
  }
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that says that nobody has signed it. */
export const unsigned = (claims: object): string => `${part({ alg: 'none' })}.${part(claims)}.`;

/** A token with a signature by a secret, for which somebody takes what everybody knows. */
export function signedBySecret(claims: object, secret: string, header: object = {}): string {
  const text = `${part({ alg: 'HS256', ...header })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
