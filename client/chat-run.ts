import { ErrorCode } from '../protocol/errors.ts';
import { type ChatEvent, TERMINAL_KINDS } from '../protocol/events.ts';
import type { ApproveOptions, CancelOptions, Chat, ChatAck } from './chat.ts';
import { BufferOverflowError, RpcError, type TerminalEvent, TurnError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { Peer } from './peer.ts';

/** What a {@link ChatRun} is made of. */
export interface ChatRunInput {
  peer: Peer;
  agentId: string;
  sessionId: string;
  /** Whether nobody else can have a turn in this session, because its id was made here. */
  ownSession: boolean;
  bufferLimit: number;
  /** Cancels the turn when it aborts. */
  signal: AbortSignal | undefined;
}

/** A {@link Chat} from the inside: what the connection tells it. */
export class ChatRun implements Chat {
  readonly agentId: string;
  readonly sessionId: string;
  readonly ack: Promise<ChatAck>;
  readonly #peer: Peer;
  readonly #queue: EventQueue<ChatEvent>;
  readonly #limit: number;
  readonly #signal: AbortSignal | undefined;
  readonly #abandon: () => void;
  #settleAck!: { resolve(ack: ChatAck): void; reject(error: unknown): void };
  /** Whether the broker would know a cancel of this session as one of this turn. */
  #cancellable: boolean;
  readonly #acked: Promise<unknown>;
  #over = false;
  #read = false;

  constructor(input: ChatRunInput) {
    this.agentId = input.agentId;
    this.sessionId = input.sessionId;
    this.#peer = input.peer;
    this.#limit = input.bufferLimit;
    this.#queue = new EventQueue(input.bufferLimit);
    this.#cancellable = input.ownSession;
    this.ack = new Promise((resolve, reject) => {
      this.#settleAck = { resolve, reject };
    });
    // Who only reads the events learns of a refusal there, and must not be told by an unhandled rejection too.
    this.#acked = this.ack.catch(() => {});
    // A cancel that fails has nobody to tell: the connection is gone, or the turn.
    this.#abandon = () => void this.cancel().catch(() => {});
    this.#signal = input.signal;
    this.#signal?.addEventListener('abort', this.#abandon);
  }

  /** The agent has taken the turn. */
  accepted(ack: ChatAck): void {
    this.#cancellable = true;
    this.#settleAck.resolve(ack);
  }

  /** One event of the turn. True once it was the last. */
  event(event: ChatEvent, size: number): boolean {
    if (TERMINAL_KINDS.has(event.kind)) {
      this.#finish();
      // A terminal is never refused: where it does not fit the buffer, its reader is late anyway.
      this.#queue.push(event, 0);
      this.#queue.end();
      return true;
    }
    if (!this.#queue.push(event, size)) {
      this.#queue.end({ error: new BufferOverflowError(this.#limit) });
      this.#abandon();
    }
    return this.#over;
  }

  /** There will be no (further) events. */
  failed(error: unknown): void {
    this.#finish();
    this.#settleAck.reject(error);
    this.#queue.end({ error });
  }

  async cancel(options: CancelOptions = {}): Promise<void> {
    if (!this.#cancellable) await this.#acked;
    if (this.#over) return;
    const params = { session_id: this.sessionId, grace_ms: options.graceMs ?? 0 };
    try {
      await this.#peer.request('agents.chat.cancel', params);
    } catch (error) {
      // The turn ended while the cancel was under way: that is what was wanted.
      if (this.#over || (error instanceof RpcError && error.code === ErrorCode.NotFound)) return;
      throw error;
    }
  }

  async approve(approvalId: string, decision: boolean | string, options: ApproveOptions = {}): Promise<boolean> {
    const params = { session_id: this.sessionId, approval_id: approvalId, decision, answer: options.answer };
    const { resolved } = (await this.#peer.request('agents.chat.approve', params)) as { resolved: boolean };
    return resolved;
  }

  async text(): Promise<string> {
    let text = '';
    let last: TerminalEvent | undefined;
    for await (const event of this) {
      if (event.kind === 'token') text += event.delta;
      if (event.kind === 'done' || event.kind === 'error' || event.kind === 'auth_required') last = event;
    }
    if (last && (last.kind !== 'done' || last.finish_reason === 'cancelled')) throw new TurnError(last);
    return last?.text ?? text;
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatEvent, undefined> {
    if (this.#read) throw new TypeError('the events of a chat can be read once');
    this.#read = true;
    return {
      next: () => this.#queue.next(),
      return: () => {
        this.#queue.discard();
        this.#abandon();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #finish(): void {
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.#abandon);
  }
}
