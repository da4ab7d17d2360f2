import { z } from 'zod';
import { Sealed } from './sealed.ts';

/** Headers that belong to the request or its connection, not to whoever sends it. */
const RESERVED_HEADER =
  /^(host|content-.*|accept(-.*)?|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|via|date|origin|referer|user-agent|range|if-.*|sec-.*|a2a-.*|x-a2a-.*)$/i;

/** Bytes that a credential may have. */
const MAX_CREDENTIAL = 8 * 1024;

/** A text of a header: no line ends, no control characters. */
const credential = z.string().min(1).max(MAX_CREDENTIAL);

const routeAuthVariants = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    type: z.literal('bearer'),
    token: credential.refine((token) => /^[\x21-\x7e]+$/.test(token), 'is visible ASCII without spaces'),
  }),
  z.strictObject({
    type: z.literal('header'),
    name: z
      .string()
      .max(128)
      .refine((name) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name), 'is the name of an HTTP header')
      .refine((name) => name.toLowerCase() !== '__proto__', 'is a name that is not sent')
      .refine((name) => !RESERVED_HEADER.test(name), 'is a header that the request sets itself'),
    value: credential.refine((value) => /^[\x20-\x7e]+$/.test(value) && value === value.trim(), 'is visible ASCII'),
  }),
]);
/** Credentials for one A2A endpoint (`wire.md` section 11). */
export type A2aRouteAuth = z.infer<typeof routeAuthVariants>;

/**
 * `routeAuth` of a request: checked, and sealed from then on. It comes sealed already where it came over the wire, so
 * that no event between actors has it in the clear.
 */
export const routeAuth = z
  .preprocess((value) => (value instanceof Sealed ? value.open() : value), routeAuthVariants)
  .transform((value) => new Sealed(value))
  .meta({
    description: 'kept for this endpoint alone, and never shown',
  });

/** The headers that the credentials are sent as. */
export function headersOf(auth: A2aRouteAuth): Record<string, string> {
  if (auth.type === 'bearer') return { authorization: `Bearer ${auth.token}` };
  return auth.type === 'header' ? { [auth.name.toLowerCase()]: auth.value } : {};
}

/** Shorter ones may stand inside other words: they are looked for as words of their own. */
const LEAST_SECRET = 8;
/** Shorter ones are words that may stand anywhere. */
const LEAST_WORD = 4;
/** What a header's value is put together from: `Bearer …`, `Basic …`, `name=…; name=…`. */
const BETWEEN_PARTS = /[\s,;="]+/;
/** So many of those parts, the longest: each is looked for in all of an answer. */
const MAX_PARTS = 8;
/** What may stand in a number. */
const NUMBER = /^[\d.eE+-]+$/;
const REDACTED = '[redacted]';

/**
 * A value as it is without the credentials, wherever a peer has written them back: all of them, or a part of a header's
 * value, in texts, keys and numbers. What it has encoded in another way is not seen.
 */
export function withoutCredentials(auth: A2aRouteAuth, value: unknown): unknown {
  const secrets = secretsOf(auth);
  if (secrets.length === 0) return value;
  const words = secrets.map((secret) => {
    const text = secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    return secret.length < LEAST_SECRET ? `(?<![A-Za-z0-9])${text}(?![A-Za-z0-9])` : text;
  });
  const numbers = new Set(secrets.filter((secret) => NUMBER.test(secret)).map(Number));
  return scrub(value, new RegExp(words.join('|'), 'g'), numbers);
}

/** The longest first: one may stand in another. */
function secretsOf(auth: A2aRouteAuth): string[] {
  if (auth.type === 'none') return [];
  const whole = auth.type === 'bearer' ? auth.token : auth.value;
  const parts = auth.type === 'header' ? whole.split(BETWEEN_PARTS).filter(({ length }) => length >= LEAST_SECRET) : [];
  return [...new Set([whole, ...parts])]
    .filter(({ length }) => length >= LEAST_WORD)
    .sort((one, other) => other.length - one.length)
    .slice(0, 1 + MAX_PARTS);
}

/** @param numbers - the secrets that may be read as one: a long one loses its last digits then. */
function scrub(value: unknown, secrets: RegExp, numbers: ReadonlySet<number>): unknown {
  if (typeof value === 'string') return value.replace(secrets, REDACTED);
  if (typeof value === 'number') {
    if (numbers.size === 0) return value;
    return numbers.has(value) || String(value).search(secrets) >= 0 ? REDACTED : value;
  }
  if (Array.isArray(value)) return value.map((item) => scrub(item, secrets, numbers));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replace(secrets, REDACTED), scrub(item, secrets, numbers)]),
  );
}
