/**
 * Who somebody is cannot be found out just now: too many tokens wait to be verified, or the issuer's keys cannot be had
 * (`docs/protocol.md#jwt`). No word on the token itself: whoever asks over HTTP is answered 503 with `Retry-After`, and comes back
 * with the same one.
 */
export class AuthUnavailableError extends Error {
  override readonly name = 'AuthUnavailableError';
  /** When to try again, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super(`who this is cannot be found out now; try again in ${retryAfterMs} ms`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** `Retry-After`, in whole seconds. */
export const retryAfter = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1_000)));
