import type { AgentChatParams, CancelReason } from '../protocol/chat.ts';
import { isChatEvent, TERMINAL_KINDS } from '../protocol/events.ts';
import { Pacer } from './pacer.ts';
import type { Peer } from './peer.ts';
import { type AgentEvent, type OnChat, type Turn, TurnCancelled } from './turn.ts';

type Stream = Exclude<ReturnType<OnChat>, Promise<unknown>>;

/** A {@link Turn} from the inside: runs the agent's part and sees to it that there is one terminal, and nothing after it. */
export class TurnRun implements Turn {
  readonly params: AgentChatParams;
  readonly #peer: Peer;
  readonly #controller = new AbortController();
  #ended = false;
  #streamed = false;

  constructor(peer: Peer, params: AgentChatParams) {
    this.#peer = peer;
    this.params = params;
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
    if (!isChatEvent(whole)) throw new TypeError(`not a whole event of kind ${JSON.stringify(event.kind)}`);
    const sent = this.#peer.notify('agent.chat.event', whole);
    this.#ended = terminal;
    this.#streamed ||= event.kind === 'token';
    return sent;
  }

  /** Nobody waits for the rest any more. */
  cancel(reason: CancelReason | 'connection_lost'): void {
    this.#controller.abort(new TurnCancelled(reason));
  }

  /** Runs the agent's part to its end. @param onError hears what it threw, a cancelled turn's protest apart. */
  async run(onChat: OnChat, onError: (error: unknown) => void): Promise<void> {
    try {
      const output = onChat(this);
      if (isStream(output)) await this.#stream(output);
      else this.#answer(await output);
      if (!this.signal.aborted) this.event({ kind: 'done', finish_reason: 'stop' });
    } catch (error) {
      if (!this.signal.aborted) {
        this.event({ kind: 'error', error: error instanceof Error ? error.message : String(error) });
        onError(error);
      }
    }
    // With grace the host is still there, and waits for this; without, the broker drops it.
    if (this.signal.aborted) this.event({ kind: 'done', finish_reason: 'cancelled' });
  }

  async #stream(items: Stream): Promise<void> {
    const pacer = new Pacer(() => this.#peer.bufferedAmount, this.signal);
    for await (const item of items) {
      // Leaving the loop runs the generator's `finally`.
      if (!(typeof item === 'string' ? this.token(item) : this.event(item)) || this.#ended) return;
      if (pacer.due) await pacer.breathe();
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
