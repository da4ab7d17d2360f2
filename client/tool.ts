import type { ToolCancelReason } from '../protocol/tools.ts';
import type { JsonSchema, StandardSchema } from './standard-schema.ts';

/** What agents are told of a tool. */
export interface ToolOptions<
  P extends StandardSchema | JsonSchema = StandardSchema | JsonSchema,
  V extends StandardSchema = StandardSchema,
> {
  /** What it does, for the model that chooses among tools. */
  description?: string | undefined;
  /**
   * What its arguments must be, which agents are sent as JSON Schema: a schema of zod 4, of ArkType or of whatever else is a
   * Standard Schema that can say its JSON Schema; or a JSON Schema, as it stands.
   *
   * A schema of a validator is asked at each call, and arguments that do not fit are answered with `-32602` before the handler
   * runs. A JSON Schema is only told: without a validator any JSON value is handed over, unchecked.
   */
  parameters?: P | undefined;
  /**
   * Beside `parameters` as JSON Schema: a Standard Schema that checks the arguments, of a validator that cannot say its
   * JSON Schema itself.
   */
  validate?: V | undefined;
}

/** One call of a tool, as its handler sees it. */
export interface ToolCall {
  /** `cb-<n>`: unique in the daemon's life. Of a call that was asked for again, the last one's. */
  readonly requestId: string;
  /** The chat that the agent calls from; undefined for a call of the broker's embedder. */
  readonly sessionId: string | undefined;
  /** 1, or more where the agent says that it tries again. */
  readonly attempt: number;
  /** The agent's own name for what it does; empty where it gave none. */
  readonly actionId: string;
  /** How long it may take before it is given up, counted anew by each {@link ToolCall.progress}. Milliseconds. */
  readonly timeoutMs: number;
  /** The trace that it belongs to, as W3C Trace Context writes it; for who uses OpenTelemetry it is active in the handler. */
  readonly traceparent: string | undefined;
  /**
   * Aborts when nobody waits for the answer any more. Its reason is a {@link ToolCallCancelled}. A call with an `actionId` in
   * a chat that goes on after a lost connection goes on, too: its agent may ask for the answer again.
   */
  readonly signal: AbortSignal;
  /**
   * Tells the agent that the tool is still at work, which starts its timeout anew (up to ten times as long in all).
   * False, and nothing is sent, once the call is over, and while there is no connection.
   * @param progress any JSON value.
   */
  progress(progress?: unknown, message?: string): boolean;
}

/**
 * A tool's own part. What it returns is the agent's answer, `null` and `false` included; nothing becomes `null`.
 *
 * What it throws is the answer, too: a `WireError` or `RpcError` with its own code and data, anything else as
 * `-32603` with its message: they are the host's own words to an agent that it chose to talk to, so keep secrets
 * out of them. Once the call is cancelled, neither is sent.
 */
export type ToolHandler<T = unknown> = (args: T, call: ToolCall) => unknown;

/** A tool that is registered. */
export interface HostTool {
  readonly name: string;
  /**
   * Takes it back: agents are offered it no more. Calls that are under way go on. Nothing happens where a later
   * registration of the same name has replaced this one.
   */
  unregister(): Promise<void>;
}

/** Why a tool call's signal aborted. */
export class ToolCallCancelled extends Error {
  override readonly name = 'ToolCallCancelled';
  /** The wire's reason (`wire.md` section 7), or `connection_lost` where the host's own connection is gone. */
  readonly reason: ToolCancelReason | 'connection_lost';

  constructor(reason: ToolCancelReason | 'connection_lost') {
    super(`tool call cancelled: ${reason}`);
    this.reason = reason;
  }
}
