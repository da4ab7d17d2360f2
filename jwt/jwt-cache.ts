import { hash } from 'node:crypto';
import { isJwtOver, type VerifiedJwt } from '../protocol/jwt.ts';

/** What keeping one costs besides the bytes of its token: its claims are no larger. */
const OVERHEAD = 512;

/** What a token is known by: it is a secret itself. */
export const keyOf = (token: string): string => hash('sha256', token, 'base64url');

/** Tokens that were verified, by their SHA-256, bounded by the bytes of the tokens. The least lately used make room. */
export class JwtCache {
  readonly #kept = new Map<string, { jwt: VerifiedJwt; bytes: number }>();
  readonly #maxBytes: number;
  #bytes = 0;
  /** How often all were forgotten. */
  era = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @param now - Unix milliseconds: one that is over is forgotten */
  get(key: string, now: number): VerifiedJwt | undefined {
    const entry = this.#kept.get(key);
    if (!entry) return undefined;
    this.#drop(key);
    if (isJwtOver(entry.jwt.expiresAt, now)) return undefined;
    this.#kept.set(key, entry);
    this.#bytes += entry.bytes;
    return entry.jwt;
  }

  put(key: string, token: string, jwt: VerifiedJwt): void {
    this.#drop(key);
    const bytes = token.length + OVERHEAD;
    this.#kept.set(key, { jwt, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#drop(oldest);
    }
  }

  clear(): void {
    this.era += 1;
    this.#kept.clear();
    this.#bytes = 0;
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
