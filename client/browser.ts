/** The SDK's entry for browsers: their own WebSocket, and nothing of Node's. */
import type { Agent, AgentOptions as CoreAgentOptions } from './agent.ts';
import { openAgent } from './agent-run.ts';
import type { HostOptions as CoreHostOptions, Host } from './host.ts';
import { openHost } from './host-run.ts';
import { AGENT_OPTIONS, checkConnecting, HOST_OPTIONS } from './known-options.ts';
import type { PlaceOptions } from './place.ts';
import { openNativeSocket } from './socket-native.ts';

export * from './api.ts';

/** A broker is at a URL or at the other end of a link, and here there is nowhere else to look for it. */
type Where =
  | (PlaceOptions & { url: string | (() => string) })
  | (PlaceOptions & { link: NonNullable<PlaceOptions['link']> });

/** How to connect a host. */
export type HostOptions = CoreHostOptions & Where;

/** How to connect an agent. */
export type AgentOptions = CoreAgentOptions & Where;

/**
 * Connects a host.
 * @throws {TypeError} an option that there is not. @throws {ConnectionError} not reachable. @throws {AuthError} wrong token.
 */
export async function connectHost(options: HostOptions): Promise<Host> {
  checkConnecting('connectHost', options, HOST_OPTIONS);
  return openHost(openNativeSocket, options);
}

/**
 * Connects an agent; resolves at its first connection.
 * @throws {TypeError} an option that there is not. @throws {ConnectionError} not reachable, unless `waitForBroker`.
 * @throws {AuthError} wrong token.
 */
export async function connectAgent(options: AgentOptions): Promise<Agent> {
  checkConnecting('connectAgent', options, AGENT_OPTIONS);
  return openAgent(openNativeSocket, options);
}
