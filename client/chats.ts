import { type ChatEvent, isChatEvent } from '../protocol/events.ts';
import { isObject } from '../protocol/json.ts';
import type { InputOf } from '../protocol/methods.ts';
import type { Chat, ChatAck, ChatOptions, ResumeOptions } from './chat.ts';
import { type ChatHandle, checkHandle } from './chat-handle.ts';
import { ChatRun, type ChatRunInput } from './chat-run.ts';
import { ConnectionClosedError, ResumeError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT } from './event-queue.ts';
import { newSessionId } from './ids.ts';
import { checkCall } from './known-options.ts';
import type { Peer } from './peer.ts';

/** The longest window that there is (`wire.md` section 8): what is asked for unless told otherwise. Milliseconds. */
const LONGEST_WINDOW = 10 * 60_000;

/** The chats of one client: each event finds its own by the turn's id. A resumable one outlives its connection. */
export class Chats {
  readonly #live = new Map<string, ChatRun>();
  readonly #over: () => void;
  /** The longest window that this broker allows. Milliseconds. Undefined: not asked yet. */
  #cap: number | undefined;
  #closed: SwitchboardError | undefined;

  /** @param over a chat is over. */
  constructor(over: () => void = () => {}) {
    this.#over = over;
  }

  /** Whether a chat waits for the next connection. */
  get areWaiting(): boolean {
    for (const run of this.#live.values()) if (run.isWaiting) return true;
    return false;
  }

  /** Opens a turn. A refusal shows on the chat. @throws {TypeError} an option that there is not. */
  open(peer: Peer, agentId: string, prompt: string, options: ChatOptions = {}): Chat {
    checkCall('chat', options);
    checkCall('chat, goal', options.goal);
    const { signal, bufferLimit, resumable = false, onInterruption } = options;
    const ownSession = options.sessionId === undefined;
    const sessionId = options.sessionId ?? newSessionId();
    const windowMs = options.resumeWindowMs ?? (resumable ? LONGEST_WINDOW : undefined);
    const identity = { agentId, sessionId, ownSession, observes: false };
    const run = this.#run({ peer, ...identity, resumable, windowMs, signal, bufferLimit, onInterruption });
    if (signal?.aborted) {
      run.failed(signal.reason);
      return run;
    }
    // Before the turn: its connection may be lost as soon as it is there.
    if (windowMs !== undefined) this.#askForCap(peer);
    peer.call('agents.chat', chatParams(agentId, prompt, sessionId, windowMs, options), {
      // The route is laid in the very moment in which the ack arrives: the first event may be in the same packet
      // (`wire.md` section 6, 3), and a promise's `then` would come after it.
      result: (value) => {
        const ack = value as ChatAck;
        this.#live.set(ack.turn_id, run);
        run.accepted(ack);
      },
      error: (error) => run.failed(error),
    });
    return run;
  }

  /**
   * Goes on with a turn from before. That it cannot shows on the chat.
   * @throws {TypeError} where it is no handle, and for an option that there is not.
   */
  resume(peer: Peer, input: ChatHandle, options: ResumeOptions = {}): Chat {
    checkCall('resume', options);
    const { role = 'controller', fromStart = false, ...own } = options;
    const checked = checkHandle(input);
    const handle = fromStart ? { ...checked, seq: 0, text_length: 0 } : checked;
    const { agent_id: agentId, session_id: sessionId, turn_id: turnId, resume_window_ms: windowMs } = handle;
    const identity = { agentId, sessionId, ownSession: false, observes: role === 'observer', handle };
    const run = this.#run({ peer, ...identity, resumable: true, windowMs, ...own });
    if (own.signal?.aborted) run.failed(own.signal.reason);
    else if (this.#closed) run.failed(this.#closed);
    else if (this.#live.has(turnId)) run.failed(new TypeError('this turn is being read already, by another chat here'));
    else {
      this.#live.set(turnId, run);
      run.resume(peer);
      this.#askForCap(peer);
    }
    return run;
  }

  /** `agents.chat.event`. An event of a turn that is not live here is nobody's. */
  event(params: unknown, size: number): void {
    if (!isObject(params) || typeof params.turn_id !== 'string' || !isChatEvent(params)) return;
    this.#live.get(params.turn_id as string)?.event(params as unknown as ChatEvent, size);
  }

  /** The connection is over. What can be resumed waits for the next. */
  interrupt(error: SwitchboardError): void {
    for (const run of [...this.#live.values()]) run.interrupted(error);
  }

  /** There is a connection again. */
  resumeAll(peer: Peer): void {
    // It may be another broker by now.
    this.#cap = undefined;
    const waiting = [...this.#live.values()].filter((run) => run.isWaiting);
    for (const run of waiting) run.resume(peer);
    if (waiting.length > 0) this.#askForCap(peer);
  }

  /** There will be no other connection. */
  close(error: SwitchboardError): void {
    this.#closed = error;
    const end = error instanceof ConnectionClosedError ? error : new ResumeError('disconnected', error);
    for (const run of [...this.#live.values()]) run.failed(end);
  }

  #run({
    windowMs = 0,
    bufferLimit = DEFAULT_BUFFER_LIMIT,
    ...input
  }: Omit<ChatRunInput, 'window' | 'over' | 'bufferLimit' | 'signal' | 'onInterruption'> & {
    windowMs: number | undefined;
    bufferLimit?: number | undefined;
    signal?: ChatRunInput['signal'];
    onInterruption?: ChatRunInput['onInterruption'];
  }): ChatRun {
    return new ChatRun({
      signal: undefined,
      onInterruption: undefined,
      ...input,
      bufferLimit,
      window: () => Math.min(windowMs, this.#cap ?? windowMs),
      over: (run) => this.#forget(run),
    });
  }

  #forget(run: ChatRun): void {
    const { turnId } = run;
    if (turnId !== undefined && this.#live.get(turnId) === run) this.#live.delete(turnId);
    this.#over();
  }

  /** What a window is clamped to, the answer to `agents.chat` does not say. */
  #askForCap(peer: Peer): void {
    if (this.#cap !== undefined) return;
    this.#cap = LONGEST_WINDOW;
    const limitOf = (value: unknown) => {
      const limits = isObject(value) ? value.limits : undefined;
      const cap = isObject(limits) ? limits.resume_window_ms : undefined;
      if (typeof cap === 'number' && cap > 0) this.#cap = cap;
    };
    // A broker that does not say has the wire's own cap.
    peer.call('server.handshake', { protocol_version: 3 }, { result: limitOf, error: () => {} });
  }
}

/** Every field of `agents.chat`: one that the wire gets and that is forgotten here does not compile. */
type EveryField = { [K in keyof Required<InputOf<'agents.chat'>>]: InputOf<'agents.chat'>[K] | undefined };

/** What was asked for, as the wire has it. What is undefined is not sent. */
function chatParams(
  agentId: string,
  prompt: string,
  sessionId: string,
  windowMs: number | undefined,
  options: ChatOptions,
): EveryField {
  const { conversationId, stream, voiceInput, model, attachments, goal, context, onBusy } = options;
  return {
    agent_id: agentId,
    prompt,
    session_id: sessionId,
    conversation_id: conversationId,
    stream,
    voice_input: voiceInput,
    model,
    attachments,
    goal: goal && { check: goal.check, max_iterations: goal.maxIterations },
    context,
    on_busy: onBusy,
    resume_window_ms: windowMs,
  };
}
