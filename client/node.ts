/** The SDK's entry for Node: the `ws` package's WebSocket, and URL and tokens found in the home directory. */
import type { Agent, AgentOptions as CoreAgentOptions } from './agent.ts';
import { openAgent } from './agent-run.ts';
import { type DiscoverOptions, findToken, findUrl } from './discover.ts';
import type { HostOptions as CoreHostOptions, Host } from './host.ts';
import { openHost } from './host-run.ts';
import { AGENT_OPTIONS, checkConnecting, HOST_OPTIONS } from './known-options.ts';
import type { PlaceOptions } from './place.ts';
import { openWsSocket } from './socket-ws.ts';

export * from './api.ts';
export { type DiscoverOptions, type Environment, findHome, findToken, findUrl } from './discover.ts';

/**
 * How to connect a host. A URL or token that is not given is looked for in the environment and the home directory, anew
 * at each connection: a daemon that was restarted may have others. With a `link` nothing is looked for.
 */
export interface HostOptions extends CoreHostOptions, PlaceOptions, DiscoverOptions {
  /** Asks for the management role with the host token that is found. Default false. */
  management?: boolean | undefined;
}

/**
 * How to connect an agent. A URL that is not given is looked for anew at each connection; the token in
 * `SWITCHBOARD_AGENT_TOKEN`. With a `link` nothing is looked for.
 */
export interface AgentOptions extends CoreAgentOptions, PlaceOptions, DiscoverOptions {}

const DISCOVER = { home: true, env: true } satisfies Record<keyof DiscoverOptions, true>;
const HOST = { ...HOST_OPTIONS, ...DISCOVER, management: true } satisfies Record<keyof HostOptions, true>;
const AGENT = { ...AGENT_OPTIONS, ...DISCOVER } satisfies Record<keyof AgentOptions, true>;

/**
 * Connects a host.
 * @throws {TypeError} an option that there is not. @throws {NoDaemonError} no URL given, and no daemon found.
 * @throws {ConnectionError} not reachable. @throws {AuthError} wrong token.
 */
export async function connectHost(options: HostOptions = {}): Promise<Host> {
  checkConnecting('connectHost', options, HOST);
  if (options.link !== undefined) {
    if (options.management)
      throw new TypeError('connectHost: management looks for a daemon; with a link give its hostToken');
    return openHost(openWsSocket, options);
  }
  const { url: given } = options;
  const url = typeof given === 'function' ? given : () => given ?? findUrl(options);
  const find = (kind: 'auth' | 'host') => findToken(kind, { ...options, url: url() });
  const hostToken = options.hostToken ?? (options.management ? () => find('host') ?? '' : undefined);
  return openHost(openWsSocket, { ...options, url, token: options.token ?? (() => find('auth')), hostToken });
}

/**
 * Connects an agent; resolves at its first connection.
 * @throws {TypeError} an option that there is not. @throws {NoDaemonError} no URL given, and no daemon found, unless
 * `waitForBroker`. @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function connectAgent(options: AgentOptions): Promise<Agent> {
  checkConnecting('connectAgent', options, AGENT);
  if (options.link !== undefined) return openAgent(openWsSocket, options);
  const { env = process.env } = options;
  return openAgent(openWsSocket, {
    ...options,
    url: options.url ?? (() => findUrl(options)),
    token: options.token ?? env.SWITCHBOARD_AGENT_TOKEN,
  });
}
