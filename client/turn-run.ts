import type { ChatApproveParams } from '../protocol/approvals.ts';
import type { AgentChatParams, CancelReason } from '../protocol/chat.ts';
import { BROKER_KINDS, TERMINAL_KINDS } from '../protocol/event-kinds.ts';
import type { InputOf } from '../protocol/methods.ts';
import { checkOptions } from '../protocol/options.ts';
import { ErrorCode } from '../protocol/wire-error.ts';
import { eventMisfits } from './agent-events.ts';
import { TOOL_CALL } from './agent-known-options.ts';
import { ConnectionLostError, RpcError } from './errors.ts';
import { newActionId } from './ids.ts';
import { Pacer } from './pacer.ts';
import type { Peer, Reply } from './peer.ts';
import { ToolCancelledError } from './tool-errors.ts';
import { type AgentEvent, type OnChat, type Turn, TurnCancelled, TurnEnded } from './turn.ts';
import { type ApprovalOutcome, type ApprovalRequest, TurnApprovals } from './turn-approvals.ts';
import { type KeptBytes, TurnLine } from './turn-line.ts';
import { type ToolCallOptions, type ToolCalls, type TurnTools, toolsOf } from './turn-tools.ts';
import { traceparentOf, withinTrace } from './within-trace.ts';

type Stream = Exclude<ReturnType<OnChat>, Promise<unknown>>;

/** A tool call that ended so ended with its turn, of which the agent may hear a moment later only. */
const TURN_IS_OVER: ReadonlySet<ToolCancelledError['reason']> = new Set([
  'turn_ended',
  'host_disconnected',
  'draining',
]);

/** To one that is asked for again: there is no such turn any more, or no host. */
const NOT_ASKED: ReadonlySet<number> = new Set([ErrorCode.NotFound, ErrorCode.ToolUnavailable]);

/** A {@link Turn} from the inside: runs the agent's part and sees to it that there is one terminal, and nothing after it. */
export class TurnRun implements Turn {
  readonly params: AgentChatParams;
  readonly tools: TurnTools;
  readonly line: TurnLine;
  readonly #controller = new AbortController();
  /** Aborts with the turn's signal, and also when the agent itself has ended the turn. */
  readonly #over = new AbortController();
  readonly #approvals: TurnApprovals;
  /** The broker was told that it is taken. */
  isAccepted = false;
  /** The agent's part is over. */
  isFinished = false;
  #ended = false;
  #streamed = false;

  /** @param kept what is kept of all turns, where they outlive their connection. */
  constructor(peer: Peer, params: AgentChatParams, toolCalls: ToolCalls, kept: KeptBytes | undefined) {
    this.params = params;
    const { session_id, turn_id, ticket } = params;
    const known = typeof ticket === 'string' ? ticket : undefined;
    this.line = new TurnLine(peer, session_id, turn_id, kept, () => this.cancel('connection_lost'), known);
    this.#approvals = new TurnApprovals((event) => this.event(event), this.#over.signal);
    this.tools = {
      list: toolsOf(params.context),
      call: (name, args, options) => this.#callTool(toolCalls, name, args, options),
    };
  }

  get sessionId(): string {
    return this.params.session_id;
  }
  get turnId(): string {
    return this.params.turn_id;
  }
  get prompt(): string {
    return this.params.prompt;
  }
  get context(): Record<string, unknown> {
    return this.params.context;
  }
  get traceparent(): string | undefined {
    return traceparentOf(this.params._meta);
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  token(delta: string): boolean {
    return this.event({ kind: 'token', delta });
  }

  event(event: AgentEvent): boolean {
    const terminal = TERMINAL_KINDS.has(event.kind);
    if (this.#ended || (this.signal.aborted && !terminal)) return false;
    const whole = { ...event, session_id: this.sessionId, turn_id: this.turnId };
    if (BROKER_KINDS.has(event.kind)) throw new TypeError(`${event.kind} is an event of the broker's own`);
    const [issue] = eventMisfits(whole);
    if (issue)
      throw new TypeError(`not a whole event of kind ${JSON.stringify(event.kind)}: ${issue.path}: ${issue.message}`);
    const sent = this.line.send(whole);
    this.#ended = terminal;
    this.#streamed ||= event.kind === 'token';
    if (terminal) this.#over.abort(new TurnEnded());
    return sent;
  }

  requestApproval(request: ApprovalRequest): Promise<ApprovalOutcome> {
    return this.#approvals.request(request);
  }

  /** How it is gone on with over another connection. @param most characters of text that its broker may have anyway */
  claim(most: number): InputOf<'agent.resume'>['turns'][number] {
    const { claim, shortClaim } = this.line;
    const isTooLong = (claim.text?.length ?? 0) > most;
    return { ...((isTooLong && shortClaim) || claim), pending_approvals: this.#approvals.ids };
  }

  /** `agent.chat.approve`. False, and not answered, where this turn waits for nothing of that id. */
  resolveApproval(params: ChatApproveParams, reply: Reply): boolean {
    return this.#approvals.resolve(params, reply);
  }

  /** Nobody waits for the rest any more. */
  cancel(reason: CancelReason | 'connection_lost'): void {
    const cause = new TurnCancelled(reason);
    this.#controller.abort(cause);
    this.#over.abort(cause);
  }

  /**
   * Runs the agent's part to its end, with the turn's own trace as what is active. @param onError hears what it threw, a
   * cancelled turn's protest apart.
   */
  run(onChat: OnChat, onError: (error: unknown) => void): Promise<void> {
    return withinTrace(this.params._meta, () => this.#run(onChat, onError));
  }

  async #run(onChat: OnChat, onError: (error: unknown) => void): Promise<void> {
    try {
      const output = onChat(this);
      if (isStream(output)) await this.#stream(output);
      else this.#answer(await output);
      if (!this.signal.aborted) this.event({ kind: 'done', finish_reason: 'stop' });
    } catch (error) {
      if (error instanceof ToolCancelledError && TURN_IS_OVER.has(error.reason)) {
        this.event({ kind: 'done', finish_reason: 'cancelled' });
      } else if (!this.signal.aborted) {
        this.event({ kind: 'error', error: error instanceof Error ? error.message : String(error) });
        onError(error);
      }
    }
    // With grace the host is still there, and waits for this; without, the broker drops it.
    if (this.signal.aborted) this.event({ kind: 'done', finish_reason: 'cancelled' });
  }

  #callTool(calls: ToolCalls, tool: string, args: unknown = {}, options: ToolCallOptions = {}): Promise<unknown> {
    try {
      checkOptions('tools.call', options, TOOL_CALL);
    } catch (error) {
      return Promise.reject(error);
    }
    const { timeoutMs, signal, actionId, attempt, onProgress } = options;
    const params = {
      session_id: this.sessionId,
      tool,
      parameters: args,
      timeout_ms: timeoutMs,
      action_id: actionId,
      attempt,
    };
    // The turn's own first: it decides what a call that both withdraw rejects with.
    const signals = signal ? [this.#over.signal, signal] : [this.#over.signal];
    if (!this.line.isKept) return calls.call(this.line.peer, params, signals, onProgress);
    const answer = this.#callAgain(calls, { ...params, action_id: actionId ?? newActionId() }, signals, onProgress);
    // See `ToolCalls.call`.
    answer.catch(() => {});
    return answer;
  }

  /**
   * A call that outlives its connection, and its host's: it is asked for again by its `action_id`, and runs once in that
   * host's life. Whose turn does not wait for its host hears why the first was cancelled.
   */
  async #callAgain(
    calls: ToolCalls,
    params: InputOf<'tools.execute'>,
    signals: readonly AbortSignal[],
    onProgress: ToolCallOptions['onProgress'],
  ): Promise<unknown> {
    let hostGone: ToolCancelledError | undefined;
    for (let attempt = params.attempt ?? 1; ; attempt++) {
      while (this.line.isAway) await this.line.changed(this.#over.signal);
      try {
        return await calls.call(this.line.peer, { ...params, attempt }, signals, onProgress);
      } catch (error) {
        if (hostGone && error instanceof RpcError && NOT_ASKED.has(error.code)) throw hostGone;
        if (!this.line.isKept) throw error;
        if (error instanceof ToolCancelledError && error.reason === 'host_disconnected') hostGone = error;
        else if (!(error instanceof ConnectionLostError)) throw error;
      }
    }
  }

  async #stream(items: Stream): Promise<void> {
    const pacer = new Pacer(() => this.line.bufferedAmount, this.signal);
    for await (const item of items) {
      // Leaving the loop runs the generator's `finally`.
      if (!(typeof item === 'string' ? this.token(item) : this.event(item)) || this.#ended) return;
      if (pacer.due) await pacer.breathe();
      while (this.line.isFull && !this.signal.aborted) await this.line.changed(this.signal);
    }
  }

  /** A returned string is the answer: sent as one delta, or, after deltas, as the whole text that they add up to. */
  #answer(text: unknown): void {
    if (typeof text !== 'string' || this.signal.aborted) return;
    if (this.#streamed) this.event({ kind: 'done', finish_reason: 'stop', text });
    else this.token(text);
  }
}

/** By what it is, not by its type: plain JavaScript may return anything. A string is iterable, and no stream. */
function isStream(output: unknown): output is Stream {
  return typeof output === 'object' && output !== null && (Symbol.asyncIterator in output || Symbol.iterator in output);
}
