import type { AgentChatParams, CancelReason } from '../protocol/chat.ts';
import { WireError } from '../protocol/wire-error.ts';
import type { ApprovalOutcome, ApprovalRequest } from './turn-approvals.ts';
import type { TurnTools } from './turn-tools.ts';

/** An event as an agent writes it: a kind of `wire.md` section 6, or its own, without the session's and turn's ids. */
export interface AgentEvent {
  kind: string;
  [field: string]: unknown;
}

/** One turn, as the agent sees it. */
export interface Turn {
  readonly sessionId: string;
  readonly turnId: string;
  readonly prompt: string;
  /** The host's context, and the broker's `host_client_id`, `voice_input` and `tools` in it. */
  readonly context: Record<string, unknown>;
  /** All of `agent.chat` as it came: `model`, `attachments`, `goal`, `conversation_id` … */
  readonly params: AgentChatParams;
  /**
   * The trace that it belongs to, as W3C Trace Context writes it; undefined where none is known. For who uses OpenTelemetry it
   * is active in `onChat`, and what is active there goes on to the host's tools.
   */
  readonly traceparent: string | undefined;
  /** Aborts when nobody waits for the rest any more. Its reason is a {@link TurnCancelled}. */
  readonly signal: AbortSignal;
  /** The host's tools. */
  readonly tools: TurnTools;
  /** Streams a piece of the answer. False, and nothing is sent, once the turn is over or cancelled. */
  token(delta: string): boolean;
  /**
   * Sends any event. `done`, `error` and `auth_required` end the turn, and are all that may still be sent after a cancel.
   * False, and nothing is sent, once the turn is over.
   * @throws {TypeError} where a field that its kind needs is missing: the broker would drop it.
   */
  event(event: AgentEvent): boolean;
  /**
   * Has a person decide: the host is sent `approval_pending`, and the turn waits, unswept, until somebody who may has
   * answered, or the time is over. The host is sent `approval_resolved` in either case.
   * Rejects with the signal's {@link TurnCancelled} where the turn is cancelled, with {@link TurnEnded} where it ends.
   */
  requestApproval(request: ApprovalRequest): Promise<ApprovalOutcome>;
}

/**
 * The agent's own part. An async generator yields deltas as strings and events as objects; an async
 * function uses {@link Turn.token} and {@link Turn.event}, or returns the answer as one string. Where it
 * ends without a terminal, `done` with `finish_reason: "stop"` is sent; where it throws, `error` with its message.
 */
export type OnChat = (
  turn: Turn,
) => AsyncIterable<string | AgentEvent> | Iterable<string | AgentEvent> | Promise<string | undefined> | Promise<void>;

/** Why a turn's signal aborted. */
export class TurnCancelled extends Error {
  override readonly name = 'TurnCancelled';
  /** The wire's reason, or `connection_lost` where the agent's own connection is gone. */
  readonly reason: CancelReason | 'connection_lost';

  constructor(reason: CancelReason | 'connection_lost') {
    super(`turn cancelled: ${reason}`);
    this.reason = reason;
  }
}

/** What a tool or an approval that was still waited for rejects with, once the agent itself has ended the turn. */
export class TurnEnded extends Error {
  override readonly name = 'TurnEnded';

  constructor() {
    super('the turn has ended');
  }
}

/** Thrown from `accept`: the turn is refused, and the host reads this in `data.agent_error` of its `-32012`. */
export class RejectChat extends WireError {
  override readonly name = 'RejectChat';

  /** @param options `code`: a JSON-RPC code, default -32000. `data`: anything for the host to read. */
  constructor(message: string, { code = -32000, data }: { code?: number; data?: unknown } = {}) {
    super(code, message, data);
  }
}
