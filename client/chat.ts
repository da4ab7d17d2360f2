import type { ChatEvent } from '../protocol/events.ts';
import type { InputOf, ResultOf } from '../protocol/methods.ts';
import type { ChatHandle } from './chat-handle.ts';
import type { SwitchboardError } from './errors.ts';

/** What the broker says when the agent has taken the turn: `{accepted, session_id, turn_id, …}`. */
export type ChatAck = ResultOf<'agents.chat'>;

/**
 * Everything of `agents.chat` besides agent and prompt (`wire.md` section 6), and what is the SDK's own. As all options
 * they are in camelCase; `context` and `attachments` are passed on as they are.
 */
export interface ChatOptions {
  /** The session that the turn belongs to. Default: a new one. */
  sessionId?: ChatInput['session_id'];
  /** What the agent remembers by, where that is more than a session. Default: none. */
  conversationId?: ChatInput['conversation_id'];
  /** Whether the agent is to send its answer in pieces. Default true. */
  stream?: ChatInput['stream'];
  /** The prompt was spoken. Default false. */
  voiceInput?: ChatInput['voice_input'];
  /** Which model the agent is to use. Default: its own choice. */
  model?: ChatInput['model'];
  /** Pictures that go with the prompt, as on the wire. */
  attachments?: ChatInput['attachments'];
  /** A condition that the agent works towards, and how often it may try: 1 to 50 times, default 8. */
  goal?: { check: string; maxIterations?: number | undefined } | undefined;
  /** Anything that the agent is to know, a JSON object. */
  context?: ChatInput['context'];
  /** What happens where the session has a turn already. Default `reject`. */
  onBusy?: ChatInput['on_busy'];
  /** How long the turn waits for its host to come back. Milliseconds. Default: none, and with `resumable` the longest. */
  resumeWindowMs?: ChatInput['resume_window_ms'];
  /** Cancels the turn when it aborts. Default: none. */
  signal?: AbortSignal | undefined;
  /**
   * How much may wait to be read, in characters of JSON. Beyond it the turn is cancelled and reading ends, after what
   * is in the buffer, in a `BufferOverflowError`. Default 16,777,216 (16 Mi), which a chat whose events nobody reads counts towards too.
   */
  bufferLimit?: number | undefined;
  /**
   * Survives a lost connection: the client connects again, reading goes on where it was, nothing is missing and nothing
   * comes twice; where the answer to its opening was lost, it is opened once all the same. How long it waits at most is `resumeWindowMs`, by default the longest that the broker allows
   * (10 minutes); after that reading ends in a `ResumeError`. A broker that cannot resume makes it a plain chat.
   * Default false.
   */
  resumable?: boolean | undefined;
  /** Hears when a resumable chat loses its connection, and when it goes on. That it does not, reading tells. */
  onInterruption?: ((interruption: Interruption) => void) | undefined;
}

type ChatInput = InputOf<'agents.chat'>;

/** What a resumable chat tells of its connection: each `waiting` is followed by a `resumed`, or by the chat's end. */
export type Interruption =
  /** The connection is gone; at most so many milliseconds are waited for the next. */
  | { state: 'waiting'; error: SwitchboardError; windowMs: number }
  /** The chat goes on. Where not every event could be `recovered`, a `token` brings the text that is missing. */
  | { state: 'resumed'; recovered: boolean };

/** How to go on with a turn by its handle. */
export interface ResumeOptions {
  /**
   * `controller` takes the turn over: whoever had it hears nothing more. An `observer` only watches; leaving the loop
   * or aborting the signal then leaves the turn alone. Default `controller`.
   */
  role?: 'controller' | 'observer' | undefined;
  /** Gives all events from the first on, or their text, instead of those after the handle's `seq`. Default false. */
  fromStart?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** See `ChatOptions`. */
  bufferLimit?: number | undefined;
  /** See `ChatOptions`. */
  onInterruption?: ((interruption: Interruption) => void) | undefined;
}

/** How to cancel a turn. */
export interface CancelOptions {
  /** How long the agent may take to end the turn itself, 0 to 30,000. Milliseconds, default 0. */
  graceMs?: number | undefined;
}

/** What may go with a decision. */
export interface ApproveOptions {
  /** Anything that the agent is to read beside the decision. Default: nothing. */
  answer?: unknown;
}

/**
 * One turn with an agent. Iterating it yields its events, the one terminal (`done`, `error`, `auth_required`) last;
 * leaving the loop early cancels the turn. Its events can be read once, either by iterating or by {@link Chat.text}.
 *
 * Reading throws: what `ack` rejects with, where the turn was refused; `ConnectionLostError` or
 * `ConnectionClosedError`, after the events that came before; `ResumeError`; `BufferOverflowError`.
 *
 * Where a resumed turn is longer than what the broker keeps (`wire.md` section 8), a `token` marked `synthesized` and
 * `recovered` brings all the text that is missing; other events of that stretch are lost.
 *
 * While a resumable chat has no connection, `cancel` and `approve` wait for it. What was under way when it was lost is
 * sent again, so a `-32016` may then mean that the first answer has arrived.
 */
export interface Chat extends AsyncIterable<ChatEvent> {
  readonly agentId: string;
  /** The session's id: the one that was given, or else one made here. */
  readonly sessionId: string;
  /** Resolves when the agent has taken the turn. Rejects with an `RpcError`, or with what became of the connection. */
  readonly ack: Promise<ChatAck>;
  /**
   * What `host.resume` needs to go on after what has been read so far, from any process: always up to date. It is JSON,
   * and a **secret**. Undefined until the agent has taken the turn, and where the turn cannot be resumed: it can with
   * `resumable` or a `resumeWindowMs`, from a broker that resumes, for its window and 5 minutes after its end.
   */
  readonly handle: ChatHandle | undefined;
  /**
   * Ends the turn; the terminal still comes. Legal at every moment, and nothing happens once the turn is over.
   * A chat in a session of a given id that is not accepted yet is cancelled as soon as it is: earlier, the
   * cancel could hit another turn of that session.
   */
  cancel(options?: CancelOptions): Promise<void>;
  /**
   * Answers an `approval_pending` of this turn, or a `gate_pending`: what the broker itself holds back until a person has
   * decided, of which the agent reads no `answer`. `true`, `approve`, `approved` and `yes` approve; anything else denies.
   * @param approvalId the event's `approval_id`.
   * @returns whether the agent took it; else it is pending again, or the agent has settled it by itself.
   * @throws {RpcError} `-32016` where it is not pending (any more), `-32012` and `-32004` where the agent did not
   * answer properly, which leaves it pending.
   */
  approve(approvalId: string, decision: boolean | string, options?: ApproveOptions): Promise<boolean>;
  /**
   * The whole answer: `done.text` where the agent sent it, else all `token` deltas joined.
   * @throws {TurnError} when the turn ends in `error` or `auth_required`, or cancelled. @throws {TypeError} where it was
   * resumed in the middle: see `fromStart` of `ResumeOptions`.
   */
  text(): Promise<string>;
}
