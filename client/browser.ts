/** The SDK's entry for browsers: their own WebSocket, and nothing of Node's. */
import type { Agent, AgentOptions } from './agent.ts';
import { openAgent } from './agent-run.ts';
import type { Host, HostOptions } from './host.ts';
import { openHost } from './host-run.ts';
import { openNativeSocket } from './socket-native.ts';

export * from './api.ts';
export type { AgentOptions, HostOptions };

/**
 * Connects a host.
 * @throws {ConnectionError} not reachable. @throws {AuthError} wrong token.
 */
export function connectHost(options: HostOptions): Promise<Host> {
  return openHost(openNativeSocket, options);
}

/**
 * Connects an agent; resolves at its first connection.
 * @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export function connectAgent(options: AgentOptions): Promise<Agent> {
  return openAgent(openNativeSocket, options);
}
