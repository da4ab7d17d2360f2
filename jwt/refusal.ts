import type { JwtFault } from '../protocol/jwt.ts';

/** A JWT that is refused, and why. */
export class JwtRefusal extends Error {
  override readonly name = 'JwtRefusal';
  readonly fault: JwtFault;

  constructor(fault: JwtFault) {
    super(fault);
    this.fault = fault;
  }
}

/** By the code of what `jose` throws. */
const BY_CODE: Readonly<Record<string, JwtFault>> = {
  ERR_JWT_EXPIRED: 'jwt_expired',
  ERR_JWT_INVALID: 'jwt_malformed',
  ERR_JWS_INVALID: 'jwt_malformed',
  ERR_JOSE_ALG_NOT_ALLOWED: 'jwt_algorithm',
  ERR_JOSE_NOT_SUPPORTED: 'jwt_algorithm',
  ERR_JWKS_NO_MATCHING_KEY: 'jwt_key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'jwt_key',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'jwt_signature',
};

/** By the claim that is wrong, or not there. */
const BY_CLAIM: Readonly<Record<string, JwtFault>> = {
  nbf: 'jwt_early',
  iss: 'jwt_issuer',
  aud: 'jwt_audience',
  sub: 'jwt_subject',
};

/** What was wrong with a token, by what its verification threw. What is left is the key that could not be used. */
export function faultOf(error: unknown): JwtFault {
  if (error instanceof JwtRefusal) return error.fault;
  const { code, claim, reason } = error as { code?: unknown; claim?: unknown; reason?: unknown };
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') {
    // One that is no number is not a moment that is still to come.
    if (claim === 'nbf' && reason === 'invalid') return 'jwt_claims';
    return BY_CLAIM[String(claim)] ?? 'jwt_claims';
  }
  return BY_CODE[String(code)] ?? 'jwks';
}
