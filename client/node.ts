/** The SDK's entry for Node: the `ws` package's WebSocket, and URL and tokens found in the home directory. */
import type { Agent, AgentOptions as CoreAgentOptions } from './agent.ts';
import { openAgent } from './agent-run.ts';
import { type DiscoverOptions, findToken, findUrl } from './discover.ts';
import type { HostOptions as CoreHostOptions, Host } from './host.ts';
import { openHost } from './host-run.ts';
import { openWsSocket } from './socket-ws.ts';

export * from './api.ts';
export { type DiscoverOptions, type Environment, findHome, findToken, findUrl } from './discover.ts';

/**
 * How to connect a host. A URL or token that is not given is looked for in the environment and the home directory, anew
 * at each connection: a daemon that was restarted may have others.
 */
export interface HostOptions extends Omit<CoreHostOptions, 'url'>, DiscoverOptions {
  url?: CoreHostOptions['url'] | undefined;
  /** Asks for the management role with the host token that is found. Default false. */
  management?: boolean | undefined;
}

/** How to connect an agent. A URL that is not given is looked for anew at each connection; the token in `SWITCHBOARD_AGENT_TOKEN`. */
export interface AgentOptions extends Omit<CoreAgentOptions, 'url'>, DiscoverOptions {
  url?: CoreAgentOptions['url'] | undefined;
}

/**
 * Connects a host.
 * @throws {NoDaemonError} no URL given, and no daemon found. @throws {ConnectionError} not reachable.
 * @throws {AuthError} wrong token.
 */
export async function connectHost(options: HostOptions = {}): Promise<Host> {
  const { url: given } = options;
  const url = typeof given === 'function' ? given : () => given ?? findUrl(options);
  const find = (kind: 'auth' | 'host') => findToken(kind, { ...options, url: url() });
  const hostToken = options.hostToken ?? (options.management ? () => find('host') ?? '' : undefined);
  return openHost(openWsSocket, { ...options, url, token: options.token ?? (() => find('auth')), hostToken });
}

/**
 * Connects an agent; resolves at its first connection.
 * @throws {NoDaemonError} no URL given, and no daemon found, unless `waitForBroker`.
 * @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function connectAgent(options: AgentOptions): Promise<Agent> {
  const { env = process.env } = options;
  return openAgent(openWsSocket, {
    ...options,
    url: options.url ?? (() => findUrl(options)),
    token: options.token ?? env.SWITCHBOARD_AGENT_TOKEN,
  });
}
