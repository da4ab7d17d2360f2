import { SwitchboardError } from './errors.ts';

/**
 * How messages get to an MCP server and back: a `Transport` of `@modelcontextprotocol/sdk`, say, that nobody has started.
 * Nothing of that package is needed here.
 */
export interface McpTransport {
  /** Begins to hand over what comes. */
  start(): Promise<void>;
  /** Sends one message of JSON-RPC. */
  send(message: never): Promise<void>;
  close(): Promise<void>;
  onmessage?: ((message: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  /** Hears which version of MCP is spoken: HTTP says it in a header. */
  setProtocolVersion?: ((version: string) => void) | undefined;
}

/** How to offer the tools of an MCP server. */
export interface McpOptions {
  /** How long it may take to answer for the first time, with its tools. Milliseconds, default 60,000. */
  startTimeoutMs?: number | undefined;
  /** Hears of the tools that agents are offered now, sorted, after each change of the server's. Default: nobody does. */
  onTools?: ((names: readonly string[]) => void) | undefined;
  /** Hears of a tool of the server's that is not offered, and why. Default: nobody does. */
  onSkipped?: ((name: string, why: string) => void) | undefined;
}

/** An MCP server whose tools this host offers (`host.mcp`). */
export interface McpServer {
  /** What it calls itself. */
  readonly name: string;
  readonly version: string | undefined;
  /** The tools that agents are offered now, sorted. */
  readonly tools: readonly string[];
  /** Resolves once its tools are offered no more: with why it ended by itself, or undefined after {@link McpServer.close}. */
  readonly closed: Promise<McpError | undefined>;
  /** Takes its tools back, and closes the transport. */
  close(): Promise<void>;
  /** {@link McpServer.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An MCP server could not be reached, said nothing that can be read, refused something, or has ended. */
export class McpError extends SwitchboardError {
  /** The server's own code, where it answered with an error. */
  readonly code: number | undefined;

  constructor(message: string, options: { code?: number | undefined; retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.retryable ?? false, options.cause);
    this.code = options.code;
  }
}
