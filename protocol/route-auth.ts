import { z } from 'zod';
import { Sealed } from './sealed.ts';

/** Headers that belong to the request or its connection, not to whoever sends it. */
const RESERVED_HEADER =
  /^(host|content-.*|accept(-.*)?|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|via|date|origin|referer|sec-.*|a2a-.*|x-a2a-.*)$/i;

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

/** Shorter ones are words that may stand anywhere. */
const LEAST_SECRET = 8;

/** A value as it is without the credentials, wherever a peer has written them back. */
export function withoutCredentials(auth: A2aRouteAuth, value: unknown): unknown {
  const secret = auth.type === 'bearer' ? auth.token : auth.type === 'header' ? auth.value : '';
  return secret.length < LEAST_SECRET ? value : scrub(value, secret);
}

function scrub(value: unknown, secret: string): unknown {
  if (typeof value === 'string') return value.replaceAll(secret, '[redacted]');
  if (Array.isArray(value)) return value.map((item) => scrub(item, secret));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replaceAll(secret, '[redacted]'), scrub(item, secret)]),
  );
}
