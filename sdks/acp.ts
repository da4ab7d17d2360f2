/* What is used of the SDK of the Agent Client Protocol: bundled into one file, as `mcp.ts` is. */
export { agent, client, MessageTooLargeError, ndJsonStream, RequestError } from '@agentclientprotocol/sdk';
export { AcpServer } from '@agentclientprotocol/sdk/experimental/server';
