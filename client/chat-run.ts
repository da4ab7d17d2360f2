import { approves } from '../protocol/approves.ts';
import { TERMINAL_KINDS } from '../protocol/event-kinds.ts';
import type { ChatEvent } from '../protocol/events.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { ErrorCode } from '../protocol/wire-error.ts';
import { activeMeta } from './active-trace.ts';
import type { ApproveOptions, CancelOptions, Chat, ChatAck, Interruption } from './chat.ts';
import { ChatGates, labelOf } from './chat-gates.ts';
import type { ChatHandle } from './chat-handle.ts';
import { ChatPosition } from './chat-position.ts';
import { isTaken, resolutionOf, resumeFailure, retryAfterMs } from './chat-refusals.ts';
import { isEnded, missedEvents } from './chat-resume.ts';
import type { ChatRunInput } from './chat-run-input.ts';
import { textOf } from './chat-text.ts';
import { BufferOverflowError, ConnectionLostError, ResumeError, RpcError, type SwitchboardError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { newClaim } from './ids.ts';
import { checkCall } from './known-options.ts';
import { Outage } from './outage.ts';
import type { Peer } from './peer.ts';
import { quietly } from './quietly.ts';

/** When to ask again how an approval was decided that the agent is just being told of. Milliseconds. */
const ASK_AGAIN_MS = 250;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A {@link Chat} from the inside: what the connection tells it. */
export class ChatRun implements Chat {
  readonly agentId: string;
  readonly sessionId: string;
  readonly ack: Promise<ChatAck>;
  readonly #input: ChatRunInput;
  /** What it was made of. */
  readonly input: Readonly<ChatRunInput>;
  readonly #queue: EventQueue<ChatEvent>;
  readonly #abandon: () => void;
  /** What has arrived. */
  readonly #arrived: ChatPosition;
  /** What the reader has been given. */
  readonly #read: ChatPosition;
  readonly #gates = new ChatGates();
  #peer: Peer;
  #settleAck!: { resolve(ack: ChatAck): void; reject(error: unknown): void };
  readonly #acked: Promise<unknown>;
  /** The turn, as soon as it is known. */
  #turn: Pick<ChatAck, 'turn_id' | 'resume_token'> | undefined;
  /** Whether the broker would know a cancel of this session as one of this turn. */
  #cancellable: boolean;
  /** Whether the broker has said that the turn is over: only its end is still to come. */
  #hasEnded = false;
  /** Whether the broker sends this turn's events to the present connection. */
  #attached = false;
  /** Whether the broker has ever sent its events here: a turn that another host has taken since stays with that one. */
  #wasAttached = false;
  /** Waits until the broker has room for what was missed. */
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** By which the broker knows whether it was this reader who had the turn last. */
  readonly #claim = newClaim();
  /** What it belongs to, whenever it goes on. */
  readonly #traced = activeMeta();
  #outage: Outage | undefined;
  #failure: { error: unknown } | undefined;
  #over = false;
  /** Whether its reader knows nothing of what came before. */
  #isNew: boolean;

  constructor(input: ChatRunInput) {
    const { handle, signal } = input;
    this.agentId = input.agentId;
    this.sessionId = input.sessionId;
    this.#input = input;
    this.input = input;
    this.#peer = input.peer;
    this.#turn = handle;
    this.#isNew = handle !== undefined;
    this.#arrived = new ChatPosition(handle?.seq, handle?.text_length);
    this.#read = new ChatPosition(handle?.seq, handle?.text_length);
    this.#queue = new EventQueue(input.bufferLimit, (event) => this.#read.pass(event));
    this.#cancellable = input.ownSession;
    this.ack = new Promise((resolve, reject) => {
      this.#settleAck = { resolve, reject };
    });
    // Who only reads the events learns of a refusal there, and must not be told by an unhandled rejection too.
    this.#acked = this.ack.catch(() => {});
    this.#abandon = () => {
      if (input.observes) this.#leave(signal?.aborted ? signal.reason : new Error('its reader has left'));
      // A cancel that fails has nobody to tell: the connection is gone, or the turn.
      else void this.cancel().catch(() => {});
    };
    signal?.addEventListener('abort', this.#abandon);
  }

  get isOver(): boolean {
    return this.#over;
  }

  get turnId(): string | undefined {
    return this.#turn?.turn_id;
  }

  get handle(): ChatHandle | undefined {
    const { turn_id, resume_token } = this.#turn ?? {};
    if (turn_id === undefined || resume_token === undefined) return undefined;
    const { seq, textLength: text_length } = this.#read;
    const turn = { agent_id: this.agentId, session_id: this.sessionId, turn_id, resume_token };
    return { ...turn, seq, text_length, resume_window_ms: this.#input.window() };
  }

  /** Whether it goes on as soon as there is a connection. */
  get isWaiting(): boolean {
    return !this.#over && !this.#attached && (this.#turn ? this.handle !== undefined : this.#outage !== undefined);
  }

  /** The agent has taken the turn; perhaps long ago, and the answer was lost. */
  accepted(ack: ChatAck): void {
    if (!this.#over) {
      this.#turn = ack;
      this.#settleAck.resolve(ack);
    }
    const { status = 'streaming', head = 0, recovered = true, pending_approvals = [] } = ack;
    this.#resumed({ ...ack, agent_id: this.agentId, status, head, recovered, pending_approvals });
  }

  /** The agent has not taken the turn, or nobody could say so. */
  refused(error: SwitchboardError, peer: Peer): void {
    if (this.#over) return;
    // Whatever else it is, it is the connection's end.
    if (!(error instanceof RpcError)) {
      this.interrupted(error);
      return;
    }
    const again = this.#turn || this.#outage ? retryAfterMs(error) : undefined;
    if (again === undefined) {
      this.failed(this.#turn ? new ResumeError(resumeFailure(error), error) : error);
      return;
    }
    this.#retry = setTimeout(() => {
      if (!peer.isOver) this.resume(peer);
    }, again);
  }

  /** One event of the turn. */
  event(event: ChatEvent, size: number): void {
    // Before the broker's answer they are somebody else's, who had read the turn here: all of them will come again.
    if (this.#over || !this.#attached) return;
    // Without a token nothing can come twice, and old brokers need not count.
    if (this.#turn?.resume_token !== undefined && this.#arrived.isPast(event)) return;
    this.#arrived.pass(event);
    if (!this.#gates.note(event)) return;
    if (TERMINAL_KINDS.has(event.kind)) {
      this.#finish();
      // A terminal is never refused: where it does not fit the buffer, its reader is late anyway.
      this.#queue.push(event, 0);
      this.#queue.end();
      return;
    }
    this.#push(event, size);
  }

  /** There will be no (further) events. */
  failed(error: unknown): void {
    if (this.#over) return;
    this.#failure = { error };
    this.#finish();
    this.#settleAck.reject(error);
    this.#queue.end({ error });
  }

  /** What came of its turn cannot be read: nobody could say what is missing. */
  misled(error: SwitchboardError): void {
    this.#abandon();
    this.failed(error);
  }

  /** The connection is gone. */
  interrupted(error: SwitchboardError): void {
    if (this.#over || this.#outage) return;
    this.#attached = false;
    const canResume = this.#input.resumable && (this.#turn ? this.handle : this.#input.reopen) !== undefined;
    if (!canResume || !error.retryable) {
      this.failed(error);
      return;
    }
    const windowMs = this.#input.window();
    this.#outage = new Outage(windowMs, () => this.failed(new ResumeError('window_over', error)));
    this.#tell({ state: 'waiting', error, windowMs });
  }

  /** Goes on with its turn over a new connection. */
  resume(peer: Peer): void {
    this.#peer = peer;
    if (!this.#turn) {
      this.#input.reopen?.(peer, this);
      return;
    }
    const { session_id, turn_id, resume_token } = this.handle ?? {};
    const role = this.#input.observes ? 'observer' : 'controller';
    const claim = this.#input.observes ? {} : { claim: this.#claim, unless_taken: this.#wasAttached };
    peer.call(
      'agents.chat.subscribe',
      { ...this.#traced, session_id, turn_id, resume_token, after: this.#arrived.seq, role, ...claim },
      {
        // Synchronously, for the first event may be in the same packet.
        result: (value) => this.#resumed(value as ResultOf<'agents.chat.subscribe'>),
        error: (error) => this.refused(error, peer),
      },
    );
  }

  async cancel(options: CancelOptions = {}): Promise<void> {
    checkCall('chat.cancel', options);
    if (!this.#cancellable) await this.#acked;
    if (this.#over || this.#hasEnded) return;
    try {
      await this.#ask('agents.chat.cancel', { session_id: this.sessionId, grace_ms: options.graceMs ?? 0 });
    } catch (error) {
      // The turn ended while the cancel was under way: that is what was wanted.
      if (this.#over) return;
      if (!(error instanceof RpcError) || error.code !== ErrorCode.NotFound) throw error;
      // Its end would have come before this answer. Then it went to another host, which has it now.
      this.failed(new ResumeError('taken_over', error));
    }
  }

  async approve(approvalId: string, decision: boolean | string, options: ApproveOptions = {}): Promise<boolean> {
    checkCall('chat.approve', options);
    // The first of two answers may be the one that counted, and was not heard of.
    const wasMeant = (error: RpcError) => resolutionOf(error) === (approves(decision) ? 'approved' : 'denied');
    if (this.#gates.has(approvalId)) {
      await this.#ask('host.resolve_approval', { approval_id: approvalId, resolution: labelOf(decision) }, wasMeant);
      return true;
    }
    const params = { session_id: this.sessionId, approval_id: approvalId, decision, answer: options.answer };
    const answer = await this.#ask('agents.chat.approve', params, wasMeant);
    return answer === 'done before' || (answer as { resolved: boolean }).resolved;
  }

  async text(): Promise<string> {
    if (this.#input.handle?.seq) throw new TypeError('text() needs the beginning, too: resume it with fromStart');
    const text = await textOf(this);
    this.#queue.checkWhole();
    return text;
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatEvent, undefined> {
    return this.#queue.readOnce('the events of a chat', () => this.#abandon());
  }

  #resumed(result: ResultOf<'agents.chat.subscribe'>): void {
    if (this.#over) {
      // Its reader has been told that it is lost, and the turn would go on for nobody.
      if (this.#input.observes) this.#unsubscribe();
      else void this.#peer.request('agents.chat.cancel', { session_id: this.sessionId }).catch(() => {});
      return;
    }
    const outage = this.#outage;
    this.#outage = undefined;
    this.#attached = true;
    this.#wasAttached = true;
    this.#cancellable = true;
    this.#hasEnded = isEnded(result.status);
    outage?.end();
    // One that was resumed by its handle is acknowledged by this; of any other the ack has been settled.
    const { turn_id = '', resume_token } = this.#turn ?? {};
    this.#settleAck.resolve({ accepted: true, session_id: this.sessionId, turn_id, resume_token });
    const missed = missedEvents(result, this.#arrived, this.#isNew);
    if (!missed) {
      this.#abandon();
      this.failed(new ResumeError('text_lost'));
      return;
    }
    for (const event of [...this.#gates.settledMeanwhile(result.pending_approvals), ...missed]) {
      this.#arrived.pass(event);
      if (this.#gates.note(event)) this.#push(event, this.#peer.json.stringify(event).length);
    }
    this.#isNew = false;
    if (outage) this.#tell({ state: 'resumed', recovered: result.recovered });
  }

  #push(event: ChatEvent, size: number): void {
    const { bufferLimit } = this.#input;
    if (this.#queue.push(event, size)) return;
    this.#queue.end({ error: new BufferOverflowError(bufferLimit) });
    this.#abandon();
  }

  /**
   * A request about the turn. While there is no connection it waits for the next; one that was under way is repeated.
   * @param wasDone whether the error of a repeated one says that the first had done it: `'done before'`, then.
   */
  async #ask(method: string, params: object, wasDone?: (error: RpcError) => boolean): Promise<unknown> {
    for (let isRepeated = false; ; ) {
      if (this.#outage) {
        await this.#outage.over;
        if (this.#failure) throw this.#failure.error;
      }
      try {
        return await this.#peer.request(method, params);
      } catch (error) {
        if (isRepeated && error instanceof RpcError && wasDone?.(error)) return 'done before';
        // The first answer is with the agent, which may still refuse it.
        if (isRepeated && error instanceof RpcError && isTaken(error)) {
          await pause(ASK_AGAIN_MS);
          continue;
        }
        const isRelieved = error instanceof RpcError && error.code === ErrorCode.Forbidden;
        // Nothing more of it will come here, not even its end.
        if (isRelieved && !this.#input.observes) this.failed(new ResumeError('taken_over', error));
        if (!(error instanceof ConnectionLostError)) throw error;
        if (!this.#outage) throw this.#failure?.error ?? error;
        isRepeated = true;
      }
    }
  }

  /** An observer goes; the turn is not its own. */
  #leave(why: unknown): void {
    const isWatching = !this.#over && this.#attached;
    this.failed(why);
    if (isWatching) this.#unsubscribe();
  }

  #unsubscribe(): void {
    const { session_id, turn_id } = this.handle ?? {};
    void this.#peer.request('agents.chat.unsubscribe', { session_id, turn_id }).catch(() => {});
  }

  #tell(interruption: Interruption): void {
    quietly(() => this.#input.onInterruption?.(interruption));
  }

  #finish(): void {
    this.#over = true;
    this.#attached = false;
    clearTimeout(this.#retry);
    this.#input.signal?.removeEventListener('abort', this.#abandon);
    this.#outage?.end();
    this.#outage = undefined;
    this.#input.over(this);
  }
}
