import { isObject } from '../protocol/json.ts';
import type { InputOf } from '../protocol/methods.ts';
import type { Chat, ChatAck, ChatOptions, ResumeOptions } from './chat.ts';
import { type ChatHandle, checkHandle } from './chat-handle.ts';
import { ChatRun } from './chat-run.ts';
import type { ChatRunInput } from './chat-run-input.ts';
import { ConnectionClosedError, ProtocolError, ResumeError, RpcError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT } from './event-queue.ts';
import { isReadable, strangeIn } from './event-shapes.ts';
import { newResumeToken, newSessionId } from './ids.ts';
import { checkCall } from './known-options.ts';
import type { Peer } from './peer.ts';

/** The longest window that there is (`wire.md` section 8): what is asked for unless told otherwise. Milliseconds. */
const LONGEST_WINDOW = 10 * 60_000;

/** The chats of one client: each event finds its own by the turn's id. A resumable one outlives its connection. */
export class Chats {
  readonly #live = new Map<string, ChatRun>();
  /** Those that can be opened again, until their turn is known. */
  readonly #opening = new Set<ChatRun>();
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
    return this.#waiting().length > 0;
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
    const params = chatParams(agentId, prompt, sessionId, windowMs, resumable ? newResumeToken() : undefined, options);
    // What was never sent need not be asked for again.
    const reopen = resumable && !peer.isOver ? (peer: Peer, run: ChatRun) => this.#send(peer, run, params) : undefined;
    const run = this.#run({ peer, ...identity, resumable, windowMs, reopen, signal, bufferLimit, onInterruption });
    if (signal?.aborted) {
      run.failed(signal.reason);
      return run;
    }
    // Before the turn: its connection may be lost as soon as it is there.
    if (windowMs !== undefined) this.#askForCap(peer);
    if (reopen) this.#opening.add(run);
    this.#send(peer, run, params);
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
    else if (this.#live.has(turnId)) run.failed(new TypeError('another chat here reads this turn'));
    else {
      this.#live.set(turnId, run);
      run.resume(peer);
      this.#askForCap(peer);
    }
    return run;
  }

  /** `agents.chat.event`. An event of a turn that is not live here is nobody's. */
  event(params: unknown, size: number): void {
    if (!isObject(params)) return;
    const run = this.#live.get(params.turn_id as string);
    if (!run) return;
    if (isReadable(params)) run.event(params, size);
    else run.misled(new ProtocolError('an event of the broker', strangeIn(params)));
  }

  /** The connection is over. What can be resumed waits for the next. */
  interrupt(error: SwitchboardError): void {
    for (const run of [...this.#live.values()]) run.interrupted(error);
  }

  /** There is a connection again. */
  resumeAll(peer: Peer): void {
    // It may be another broker by now.
    this.#cap = undefined;
    const waiting = this.#waiting();
    for (const run of waiting) if (run.turnId) run.resume(peer);
    // Only a broker that resumes knows a chat again by its token: any other would open a second turn.
    const reopen = (resumes: boolean) => {
      for (const run of waiting) {
        if (run.turnId) continue;
        if (resumes) run.resume(peer);
        else run.failed(new ResumeError('refused'));
      }
    };
    if (waiting.length > 0) this.#askForCap(peer, reopen);
  }

  /** There will be no other connection. */
  close(error: SwitchboardError): void {
    this.#closed = error;
    const end = error instanceof ConnectionClosedError ? error : new ResumeError('disconnected', error);
    for (const run of this.all) run.failed(end);
  }

  /** All that are not over. */
  get all(): ChatRun[] {
    return [...this.#live.values(), ...this.#opening];
  }

  #waiting(): ChatRun[] {
    return this.all.filter((run) => run.isWaiting);
  }

  #send(peer: Peer, run: ChatRun, params: EveryField): void {
    peer.call('agents.chat', params, {
      // The route is laid in the very moment in which the ack arrives: the first event may be in the same packet
      // (`wire.md` section 6, 3), and a promise's `then` would come after it.
      result: (value) => {
        const ack = value as ChatAck;
        if (!run.isOver) this.#live.set(ack.turn_id, run);
        this.#opening.delete(run);
        run.accepted(ack);
      },
      error: (error) => run.refused(error, peer),
    });
  }

  #run({
    windowMs = 0,
    bufferLimit = DEFAULT_BUFFER_LIMIT,
    ...input
  }: Omit<ChatRunInput, 'window' | 'over' | 'bufferLimit'> & {
    windowMs: number | undefined;
    bufferLimit?: number | undefined;
  }): ChatRun {
    return new ChatRun({
      ...input,
      bufferLimit,
      window: () => Math.min(windowMs, this.#cap ?? windowMs),
      over: (run) => this.#forget(run),
    });
  }

  #forget(run: ChatRun): void {
    const { turnId } = run;
    if (turnId && this.#live.get(turnId) === run) this.#live.delete(turnId);
    this.#opening.delete(run);
    this.#over();
  }

  /** What a window is clamped to, the answer to `agents.chat` does not say. */
  #askForCap(peer: Peer, known: (resumes: boolean) => void = () => {}): void {
    if (this.#cap !== undefined) return;
    this.#cap = LONGEST_WINDOW;
    // A broker that does not say has the wire's own cap.
    const result = (value: unknown) => {
      const cap = capOf(value);
      this.#cap = cap ?? this.#cap;
      known(cap !== undefined);
    };
    const error = (why: SwitchboardError) => {
      if (why instanceof RpcError) known(false);
    };
    peer.call('server.handshake', { protocol_version: 3 }, { result, error });
  }
}

/** The longest window, as a handshake says it; undefined where it says none. */
function capOf(handshake: unknown): number | undefined {
  const { limits } = (handshake ?? {}) as { limits?: { resume_window_ms?: unknown } | null };
  const cap = limits?.resume_window_ms;
  return typeof cap === 'number' && cap > 0 ? cap : undefined;
}

/** Every field of `agents.chat`: one that the wire gets and that is forgotten here does not compile. */
type EveryField = { [K in keyof Required<InputOf<'agents.chat'>>]: InputOf<'agents.chat'>[K] | undefined };

/** What was asked for, as the wire has it. What is undefined is not sent. */
function chatParams(
  agentId: string,
  prompt: string,
  sessionId: string,
  windowMs: number | undefined,
  resumeToken: string | undefined,
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
    resume_token: resumeToken,
  };
}
