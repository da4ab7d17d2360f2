import type { ChatEvent } from '../protocol/events.ts';
import type { InputOf, ResultOf } from '../protocol/methods.ts';

/** What the broker says when the agent has taken the turn: `{accepted, session_id, turn_id, …}`. */
export type ChatAck = ResultOf<'agents.chat'>;

/** Everything of `agents.chat` besides agent and prompt, as on the wire (`wire.md` section 6), and what is the SDK's own. */
export type ChatOptions = Omit<InputOf<'agents.chat'>, 'agent_id' | 'prompt'> & {
  /** Cancels the turn when it aborts. */
  signal?: AbortSignal | undefined;
  /**
   * How much may wait to be read, in characters of JSON. Beyond it the turn is cancelled and reading ends, after what
   * is in the buffer, in a `BufferOverflowError`. Default 16,777,216 (16 Mi), which a chat whose events nobody reads counts towards too.
   */
  bufferLimit?: number | undefined;
};

/** How to cancel a turn. */
export interface CancelOptions {
  /** How long the agent may take to end the turn itself, 0 to 30,000. Milliseconds, default 0. */
  graceMs?: number | undefined;
}

/** What may go with a decision. */
export interface ApproveOptions {
  /** Anything that the agent is to read beside the decision. */
  answer?: unknown;
}

/**
 * One turn with an agent. Iterating it yields its events, the one terminal (`done`, `error`, `auth_required`) last;
 * leaving the loop early cancels the turn. Its events can be read once, either by iterating or by {@link Chat.text}.
 *
 * Reading throws: what `ack` rejects with, where the turn was refused; `ConnectionLostError` or
 * `ConnectionClosedError`, after the events that came before; `BufferOverflowError`.
 */
export interface Chat extends AsyncIterable<ChatEvent> {
  readonly agentId: string;
  /** The session's id: the one that was given, or else one made here. */
  readonly sessionId: string;
  /** Resolves when the agent has taken the turn. Rejects with an `RpcError`, or with what became of the connection. */
  readonly ack: Promise<ChatAck>;
  /**
   * Ends the turn; the terminal still comes. Legal at every moment, and nothing happens once the turn is over.
   * A chat in a session of a given id that is not accepted yet is cancelled as soon as it is: earlier, the
   * cancel could hit another turn of that session.
   */
  cancel(options?: CancelOptions): Promise<void>;
  /**
   * Answers an `approval_pending` of this turn. `true`, `approve`, `approved` and `yes` approve; anything else denies.
   * @param approvalId the event's `approval_id`.
   * @returns whether the agent took it; else it is pending again, or the agent has settled it by itself.
   * @throws {RpcError} `-32016` where it is not pending (any more), `-32012` and `-32004` where the agent did not
   * answer properly, which leaves it pending.
   */
  approve(approvalId: string, decision: boolean | string, options?: ApproveOptions): Promise<boolean>;
  /**
   * The whole answer: `done.text` where the agent sent it, else all `token` deltas joined.
   * @throws {TurnError} when the turn ends in `error` or `auth_required`, or cancelled.
   */
  text(): Promise<string>;
}
