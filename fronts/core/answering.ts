import type { IncomingMessage, ServerResponse } from 'node:http';
import { retryAfter } from '../../protocol/auth-unavailable.ts';
import type { Route, SocketHandler } from '../../transport/routes.ts';
import type { FrontCore } from './core.ts';
import { allowOrigin, answerOptions } from './cors.ts';
import { ClientGone, DEFAULT_RETRY_MS, FrontError, frontErrorOf } from './errors.ts';
import { Exchange, principalOf, type Who } from './exchange.ts';
import type { FrontRoute, FrontServer } from './front.ts';

/** What all fronts do with a request: who asks, whether there is such a thing, and what becomes of an error. */
export function answering(core: FrontCore, server: FrontServer) {
  return async (request: IncomingMessage, response: ServerResponse, route: Route): Promise<void> => {
    const exchange = new Exchange(core, request, response, route);
    allowOrigin(exchange, server.exposed ?? []);
    const there = server.routes.filter(({ path }) => path.test(route.path));
    if (request.method === 'OPTIONS') {
      answerOptions(exchange, methodsOf(server.routes));
      return;
    }
    try {
      await answer(core, exchange, route, there);
    } catch (error) {
      if (error instanceof ClientGone || exchange.signal.aborted) {
        response.destroy();
        return;
      }
      const known = frontErrorOf(error);
      refuse(server, exchange, known ?? new FrontError(500, null, 'internal error'));
      // It is logged by whoever called.
      if (!known) throw error;
    }
  };
}

async function answer(core: FrontCore, exchange: Exchange, route: Route, there: readonly FrontRoute[]): Promise<void> {
  const { request, path } = exchange;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const found = there.find((route) => route.method === method);
  if (!found?.isPublic) await admit(core, exchange, route);
  if (there.length === 0)
    throw new FrontError(404, 'unknown_url', `nothing is at this path of the ${core.front} front`);
  if (!found) throw new FrontError(405, null, 'method not allowed', { headers: { allow: methodsOf(there) } });
  await found.answer(exchange, ...idsIn(found.path, path));
}

/** What all fronts do with a WebSocket that wants to be opened below their path. */
export function opening(core: FrontCore, { socket }: FrontServer): SocketHandler {
  return async (request, { path }) => {
    try {
      const who = await known(core, request);
      if (!socket?.path.test(path)) throw new FrontError(404, 'unknown_url', 'not found');
      const take = await socket.open(who, ...idsIn(socket.path, path));
      return (link) => {
        link.admit?.(principalOf(who));
        take(link);
      };
    } catch (error) {
      const refusal = frontErrorOf(error);
      if (!refusal) throw error;
      const { status, message, retryAfterMs } = refusal;
      return { status, message, retryAfterMs };
    }
  };
}

/** @throws {FrontError} 401, 403, 429, 503 @throws {AuthUnavailableError} */
async function admit(core: FrontCore, exchange: Exchange, route: Route): Promise<void> {
  try {
    exchange.who = await known(core, exchange.request);
  } catch (error) {
    if (error instanceof FrontError && error.status === 401 && !route.mayAsk()) throw TOO_MANY_KEYS;
    throw error;
  }
  if (!route.admit())
    throw new FrontError(503, 'limit_exceeded', 'too many connections', { retryAfterMs: DEFAULT_RETRY_MS });
}

/** Who tries one key after another is answered as slowly as who asks for pages. */
const TOO_MANY_KEYS = new FrontError(429, 'limit_exceeded', 'too many requests without a valid key', {
  retryAfterMs: DEFAULT_RETRY_MS,
  headers: { connection: 'close' },
});

/** Who asks. @throws {FrontError} 401, 403 @throws {AuthUnavailableError} */
async function known(core: FrontCore, request: IncomingMessage): Promise<Who> {
  const who = await core.identify({ request });
  if (!who) {
    const headers = { 'www-authenticate': 'Bearer' };
    throw new FrontError(401, 'invalid_api_key', 'a valid key is needed, as Authorization: Bearer', { headers });
  }
  // Its connection would take the place of the agent's own.
  if (who.role === 'agent')
    throw new FrontError(403, 'forbidden', 'this is an agent, and fronts are for those who chat');
  return who;
}

/** @throws {FrontError} 404 */
function idsIn(pattern: RegExp, path: string): string[] {
  const [, ...ids] = pattern.exec(path) ?? [];
  try {
    return ids.map((id) => decodeURIComponent(id ?? ''));
  } catch {
    throw new FrontError(404, 'not_found', 'this path is no text');
  }
}

function methodsOf(routes: readonly FrontRoute[]): string {
  const methods = new Set(routes.map(({ method }) => method as string));
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods, 'OPTIONS'].join(', ');
}

function refuse(server: FrontServer, exchange: Exchange, error: FrontError): void {
  const { response } = exchange;
  if (response.headersSent) {
    // Half of an answer must not pass for the whole.
    response.destroy();
    return;
  }
  const after = error.retryAfterMs === undefined ? {} : { 'retry-after': retryAfter(error.retryAfterMs) };
  exchange.json(error.status, server.errorBody(error), { ...after, ...error.headers, ...server.errorHeaders?.(error) });
}
