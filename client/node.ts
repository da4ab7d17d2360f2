/** The SDK's entry for Node: the `ws` package's WebSocket, and URL and tokens found in the home directory. */
import type { KnownOptions } from '../protocol/options.ts';
import type { Agent, AgentOptions as CoreAgentOptions } from './agent.ts';
import { AGENT_OPTIONS } from './agent-known-options.ts';
import { openAgent } from './agent-run.ts';
import { type DiscoverOptions, findToken, findUrl } from './discover.ts';
import type { HostOptions as CoreHostOptions, Host } from './host.ts';
import { openHost } from './host-run.ts';
import { checkConnecting, HOST_OPTIONS } from './known-options.ts';
import { checkPlace, nextPlace, type PlaceOptions } from './link-place.ts';
import { type ClientTlsOptions, wsSocket } from './socket-ws.ts';

export type { Link } from '../protocol/link.ts';
export * from './api.ts';
export { type DiscoverOptions, type Environment, findHome, findToken, findUrl } from './discover.ts';
export type { PlaceOptions } from './link-place.ts';
export type { ClientTlsOptions } from './socket-ws.ts';

/** How to speak TLS with a broker. */
interface SecureOptions {
  /**
   * What a `wss:` connection believes and shows, where that is not what Node does anyway. A function is asked anew at each
   * connection: a certificate that was renewed is then used without a restart.
   */
  tls?: ClientTlsOptions | (() => ClientTlsOptions) | undefined;
}

/**
 * How to connect a host. A URL or token that is not given is looked for in the environment and the home directory, anew
 * at each connection: a daemon that was restarted may have others. A JWT in `SWITCHBOARD_JWT` beats the token's file. With a `link` nothing is looked for.
 */
export interface HostOptions extends CoreHostOptions, PlaceOptions, DiscoverOptions, SecureOptions {
  /** Asks for the management role with the host token that is found. Default false. */
  management?: boolean | undefined;
}

/**
 * How to connect an agent. A URL that is not given is looked for anew at each connection; the token in
 * `SWITCHBOARD_AGENT_TOKEN`, or a JWT in `SWITCHBOARD_JWT`. With a `link` nothing is looked for.
 */
export interface AgentOptions extends CoreAgentOptions, PlaceOptions, DiscoverOptions, SecureOptions {}

const PLACE = { url: true, link: true, json: true, home: true, env: true, tls: true } satisfies Record<
  keyof (PlaceOptions & DiscoverOptions & SecureOptions),
  true
>;
const HOST = { ...HOST_OPTIONS, ...PLACE, management: true } satisfies Record<keyof HostOptions, true>;
const AGENT = { ...AGENT_OPTIONS, ...PLACE } satisfies Record<keyof AgentOptions, true>;

/**
 * Connects a host.
 * @throws {TypeError} an option that there is not. @throws {NoDaemonError} no URL given, and no daemon found.
 * @throws {ConnectionError} not reachable. @throws {AuthError} wrong token. With `waitForBroker` it waits for both kinds of
 * `ConnectionError` to be over.
 */
export async function connectHost(options: HostOptions = {}): Promise<Host> {
  check('connectHost', options, HOST);
  if (options.link !== undefined) {
    if (options.management)
      throw new TypeError('connectHost: management looks for a daemon; with a link give its hostToken');
    return openHost(() => nextPlace(wsSocket(options.tls), options), options);
  }
  const { url: given } = options;
  const url = typeof given === 'function' ? given : () => given ?? findUrl(options);
  const find = (kind: 'auth' | 'host') => findToken(kind, { ...options, url: url() });
  const jwt = jwtOf(options, options.management ? 'SWITCHBOARD_HOST_TOKEN' : 'SWITCHBOARD_AUTH_TOKEN');
  if (jwt !== undefined) return openHost(next(options, url), { ...options, jwt });
  const hostToken = options.hostToken ?? (options.management ? () => find('host') ?? '' : undefined);
  const token = options.token ?? (() => find('auth'));
  return openHost(next(options, url), { ...options, token, hostToken });
}

/**
 * Connects an agent; resolves at its first connection.
 * @throws {TypeError} an option that there is not. @throws {NoDaemonError} no URL given, and no daemon found, unless
 * `waitForBroker`. @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function connectAgent(options: AgentOptions): Promise<Agent> {
  check('connectAgent', options, AGENT);
  if (options.link !== undefined) return openAgent(() => nextPlace(wsSocket(options.tls), options), options);
  const { env = process.env, url = () => findUrl(options) } = options;
  const jwt = jwtOf(options, 'SWITCHBOARD_AGENT_TOKEN');
  if (jwt !== undefined) return openAgent(next(options, url), { ...options, jwt });
  const token = options.token ?? env.SWITCHBOARD_AGENT_TOKEN;
  return openAgent(next(options, url), { ...options, token });
}

const next =
  ({ tls, json }: HostOptions | AgentOptions, url: PlaceOptions['url']) =>
  () =>
    nextPlace(wsSocket(tls), { url, json });

/** The JWT that is given; the variable's, where no token is, by an option or the variable for that. */
function jwtOf(
  { jwt, token, hostToken, env = process.env }: HostOptions,
  variable: 'SWITCHBOARD_AUTH_TOKEN' | 'SWITCHBOARD_HOST_TOKEN' | 'SWITCHBOARD_AGENT_TOKEN',
): HostOptions['jwt'] {
  if (jwt !== undefined || (token ?? hostToken) !== undefined || env[variable]) return jwt;
  return env.SWITCHBOARD_JWT || undefined;
}

/** @throws {TypeError} */
function check(where: string, options: HostOptions | AgentOptions, known: KnownOptions): void {
  checkConnecting(where, options, known);
  checkPlace(where, options);
}
