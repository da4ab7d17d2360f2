/** The SDK's entry for browsers: their own WebSocket, and nothing of Node's. */
import type { KnownOptions } from '../protocol/options.ts';
import type { Agent, AgentOptions as CoreAgentOptions } from './agent.ts';
import { AGENT_OPTIONS } from './agent-known-options.ts';
import { openAgent } from './agent-run.ts';
import type { HostOptions as CoreHostOptions, Host } from './host.ts';
import { openHost } from './host-run.ts';
import { checkConnecting, HOST_OPTIONS } from './known-options.ts';
import { type JsonOptions, type Place, urlPlace } from './place.ts';
import { openNativeSocket } from './socket-native.ts';

export * from './api.ts';

/** Where a broker is: a page cannot look for one. */
interface Where extends JsonOptions {
  /** `ws:` or `wss:`. A function is asked anew at each connection. */
  url: string | (() => string);
}

/** How to connect a host. */
export interface HostOptions extends CoreHostOptions, Where {}

/** How to connect an agent. */
export interface AgentOptions extends CoreAgentOptions, Where {}

/**
 * Connects a host.
 * @throws {TypeError} no URL, or an option that there is not. @throws {ConnectionError} not reachable, unless
 * `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function connectHost(options: HostOptions): Promise<Host> {
  return openHost(places('connectHost', options, { ...HOST_OPTIONS, url: true, json: true }), options);
}

/**
 * Connects an agent; resolves at its first connection.
 * @throws {TypeError} no URL, or an option that there is not. @throws {ConnectionError} not reachable, unless
 * `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function connectAgent(options: AgentOptions): Promise<Agent> {
  return openAgent(places('connectAgent', options, { ...AGENT_OPTIONS, url: true, json: true }), options);
}

/** @throws {TypeError} */
function places(where: string, options: HostOptions | AgentOptions | undefined, known: KnownOptions): () => Place {
  checkConnecting(where, options ?? {}, known);
  const url = options?.url;
  if (!url) throw new TypeError(`${where}: url is missing, and a page cannot look for a daemon`);
  return () => urlPlace(openNativeSocket, url, options.json);
}
