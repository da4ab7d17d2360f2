import type { InitializeResponse, McpServer } from '@agentclientprotocol/sdk';
import { doorCommand } from '../door/command.ts';
import { SERVER_NAME } from '../door/door-session.ts';

/** The host's tools as an agent is told of them: over HTTP where it can, else by a program that it starts. */
export function serverFor({ url, bearer }: { url: string; bearer: string }, about: InitializeResponse): McpServer {
  if (about.agentCapabilities?.mcpCapabilities?.http) {
    return { type: 'http', name: SERVER_NAME, url, headers: [{ name: 'Authorization', value: `Bearer ${bearer}` }] };
  }
  return { name: SERVER_NAME, ...doorCommand(url, bearer) };
}
