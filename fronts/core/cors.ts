import type { Exchange } from './exchange.ts';

/** How long a page need not ask again. Seconds. */
const MAX_AGE_S = 600;
const HEADER_NAMES = /^[\w-]+(?:\s*,\s*[\w-]+)*$/;

/**
 * Lets the page that asks read the answer. Pages that may not come at all have been refused before (`--allow-origin`), so
 * whichever origin comes here is one that may.
 */
export function allowOrigin({ request, response }: Exchange, exposed: readonly string[]): void {
  response.setHeader('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('access-control-allow-origin', origin);
  if (exposed.length > 0) response.setHeader('access-control-expose-headers', exposed.join(', '));
}

/** Answers what a page asks before it asks: without a key, for a browser sends none. */
export function answerOptions({ request, response }: Exchange, methods: string): void {
  const { origin, 'access-control-request-headers': asked = '' } = request.headers;
  const allowed = {
    'access-control-allow-methods': methods,
    ...(HEADER_NAMES.test(asked) ? { 'access-control-allow-headers': asked } : {}),
    'access-control-max-age': String(MAX_AGE_S),
  };
  response.writeHead(204, { allow: methods, ...(origin === undefined ? {} : allowed) });
  response.end();
}
