import type { Chat, ChatEvent, ChatHandle, Host, TerminalEvent } from '../../client/node.ts';
import { TERMINAL_KINDS } from '../../protocol/event-kinds.ts';
import { AskedApprovals, type Decision, decidedBefore } from './asked-approvals.ts';
import { AskedCalls, type CallAnswer, TOGETHER_MS } from './asked-calls.ts';
import { ClientGone, FrontError, frontErrorOf } from './errors.ts';
import { type Account, UNBOUNDED } from './held.ts';
import { begin, offer } from './opening.ts';
import type { Step, TurnEnd, TurnReader } from './turn-reader.ts';
import type { TurnSpec } from './turn-spec.ts';
import { Unattended } from './unattended.ts';
import { isCount } from './values.ts';
import { WaitingEvents } from './waiting-events.ts';

export type { Step, TurnEnd, TurnReader } from './turn-reader.ts';
export type { TurnSpec } from './turn-spec.ts';

/** What a turn has used, in tokens (`docs/protocol.md#events`). */
export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  total_tokens?: number;
}

const COUNTS = ['input_tokens', 'output_tokens', 'total_tokens'] as const;
const isUsage = (event: { kind: string }): event is { kind: 'usage' } & Record<string, unknown> =>
  event.kind === 'usage';

interface Reading {
  reader: TurnReader;
  done(): void;
  failed(error: unknown): void;
}

/**
 * One turn that somebody has by a front, on a connection of its own. It is read by one response after the other: where a
 * response ends so that its client can run a tool, or ask a person, the turn is parked and the next request goes on with it.
 */
export class FrontTurn {
  /** Whose it is. */
  readonly owner: string;
  readonly agentId: string;
  readonly sessionId: string;
  /** The broker's id of it, once it is open. */
  turnId = '';
  /** Whether any text came: where none did, the whole of it may stand in its `done`. */
  hasSpoken = false;
  /** What it has used so far: of each field of its `usage` events the last value. */
  readonly usage: Usage = {};
  /** Resolves when it is over, and its connection closed. */
  readonly over: Promise<void>;
  /** The approvals that its client was asked for. */
  readonly approvals = new AskedApprovals();
  readonly #host: Host;
  readonly #chat: Chat;
  readonly #calls: AskedCalls;
  readonly #unattended: Unattended | undefined;
  #reading: Reading | undefined;
  readonly #waiting: WaitingEvents;
  #end: TurnEnd | undefined;
  #together: NodeJS.Timeout | undefined;
  #isCancelled = false;
  /** Whether the response ends in a moment. */
  #asks = false;
  /** Whether it outlives its client's going. */
  readonly #isLasting: boolean;
  #isLeft = false;
  /** The calls that its client was asked to run, and left. */
  lostCalls: readonly string[] = [];
  /** How often it was read: the last one's client is the one that may leave. */
  #reads = 0;

  private constructor(
    owner: string,
    host: Host,
    chat: Chat,
    { calls, spec, account }: { calls: AskedCalls; spec: TurnSpec; account: Account },
  ) {
    this.owner = owner;
    this.agentId = spec.agentId;
    this.sessionId = spec.sessionId;
    this.#host = host;
    this.#chat = chat;
    this.#calls = calls;
    this.#waiting = new WaitingEvents(account);
    this.#isLasting = (spec.resumeWindowMs ?? 0) > 0;
    this.#unattended = spec.denyAfterMs === undefined ? undefined : new Unattended(spec.denyAfterMs);
    this.over = this.#run();
  }

  /**
   * Opens a turn, or goes on with one; resolves when the agent has taken it.
   * @param host a connection for this turn alone, which is closed with it. @param signal its client has gone.
   * @param account what is held of it. Default: one that nobody looks at, of a front of one client.
   * @throws {ClientGone} @throws {ResumeError} @throws what the broker answers: see `frontErrorOf`.
   */
  static async open(
    owner: string,
    host: Host,
    spec: TurnSpec,
    signal: AbortSignal,
    account: Account = UNBOUNDED,
  ): Promise<FrontTurn> {
    const calls = new AskedCalls();
    let turn: FrontTurn | undefined;
    const isAsked = () => turn?.showSoon();
    // What is captured here lives as long as the turn does: not all of what was asked.
    const { stop, resumeWindowMs } = spec;
    const isGone = () => stop?.aborted || (signal.aborted && !resumeWindowMs);
    try {
      await Promise.all((spec.tools ?? []).map((tool) => offer(host, tool, calls, isAsked)));
      // One that outlives its client is opened for whoever comes for it.
      if (stop?.aborted ? !spec.from : isGone()) throw new ClientGone();
      turn = new FrontTurn(owner, host, begin(host, spec), { calls, spec, account });
      const opened = turn;
      const cancel = () => opened.cancel();
      const go = () => opened.#go();
      stop?.addEventListener('abort', cancel);
      void opened.over.then(() => stop?.removeEventListener('abort', cancel));
      signal.addEventListener('abort', go);
      if (stop?.aborted) cancel();
      try {
        opened.turnId = (await opened.#chat.ack).turn_id;
      } finally {
        signal.removeEventListener('abort', go);
      }
      if (isGone()) throw new ClientGone();
      return opened;
    } catch (error) {
      if (!turn) void host.close();
      else if (!spec.from) turn.cancel();
      // One that was cancelled closes its connection itself, once that was heard.
      else if (!turn.#isCancelled) turn.leave();
      throw isGone() ? new ClientGone() : error;
    }
  }

  /** What it takes to go on with it once it was left; undefined where it is not one that lasts. A secret. */
  get handle(): ChatHandle | undefined {
    return this.#chat.handle;
  }

  /** Whether it was left to itself. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Whether its client was asked something that is still open. */
  get isAsking(): boolean {
    return this.#calls.open.length > 0 || this.approvals.areOpen;
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** Whether the client was asked to run this call, and has not answered. */
  awaits(callId: string): boolean {
    return this.#calls.awaits(callId);
  }

  /** Whether the client was asked to run one of these calls, and has not answered. */
  awaitsAny(callIds: Pick<ReadonlySet<string>, 'has'>): boolean {
    return this.#calls.awaitsAny(callIds);
  }

  /**
   * Reads on: what came meanwhile first. Resolves to how it left off. One reader at a time.
   * @param signal its client has gone: then the turn is cancelled, or left, and nothing more read. @throws {ClientGone}
   */
  async read(reader: TurnReader, signal: AbortSignal): Promise<'parked' | 'ended'> {
    this.#reads += 1;
    const own = this.#reads;
    const leave = () => {
      // The next request goes on with it.
      if (this.#reads !== own) return;
      this.#reading?.failed(new ClientGone());
      this.#reading = undefined;
      this.#go(true);
    };
    if (signal.aborted) {
      leave();
      throw new ClientGone();
    }
    // Nor is it taken off: a response that parks its turn may be lost on its way, and nobody would know what was asked.
    signal.addEventListener('abort', leave);
    await new Promise<void>((done, failed) => {
      this.#reading = { reader, done, failed };
      for (const event of this.#waiting.take()) this.#pass(event);
      if (this.#end) this.#tellEnd(this.#end);
      // What was left open is asked still: this response, too, ends for it.
      else this.showSoon(this.isAsking);
    }).finally(() => this.keep(0));
    return this.#end ? 'ended' : 'parked';
  }

  /**
   * What the client makes of the calls that it was shown.
   * @param others what becomes of one that is not among them. Default: it has failed.
   */
  answer(answers: ReadonlyMap<string, CallAnswer>, others?: 'fail' | 'wait'): void {
    this.#calls.answer(answers, others);
  }

  /**
   * Answers an approval that its client was asked for; resolves to how it was decided, which somebody else may have done
   * before. Undefined: it is open as before, for the agent would not take the answer.
   */
  async decide(approvalId: string, decision: boolean, answer?: unknown): Promise<Decision | undefined> {
    let decided: Decision | undefined = decision ? 'approved' : 'denied';
    try {
      if (!(await this.#chat.approve(approvalId, decision, { answer }))) decided = undefined;
    } catch (error) {
      decided = decidedBefore(error);
    }
    // Nobody is left to ask where the turn is over.
    if (decided === undefined && !this.isOver) return undefined;
    this.approvals.answered(approvalId);
    return decided ?? 'denied';
  }

  /** Whoever reads it keeps so much of it now, in characters, and nothing once it has read. False: there is no room for that. */
  keep(size: number): boolean {
    return this.#waiting.keep(size);
  }

  /** Ends it, at whatever moment, also before the agent has taken it. */
  cancel(): void {
    this.#waiting.take();
    if (this.#end || this.#isCancelled) return;
    this.#isCancelled = true;
    // Not by the chat, which would wait for its ack: this connection has no other turn that it could hit.
    this.#host
      .request('agents.chat.cancel', { session_id: this.sessionId })
      .catch(() => {})
      .finally(() => this.#host.close());
  }

  /** Leaves it to itself: with a window it goes on, and waits so long for somebody who resumes it. */
  leave(): void {
    this.#waiting.take();
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.lostCalls = this.#calls.open;
    void this.#host.close();
  }

  /**
   * Shows what the agent calls, a moment later: there may be more.
   * @param asks whether the client is asked something else. Default false.
   */
  showSoon(asks = false): void {
    this.#asks ||= asks;
    if (this.#together || !this.#reading || !(this.#calls.areNew || this.#asks)) return;
    this.#together = setTimeout(() => {
      this.#together = undefined;
      const reading = this.#reading;
      if (!reading || this.#end) return;
      const calls = this.#calls.show();
      if (calls.length === 0 && !this.#asks) return;
      this.#asks = false;
      this.#step(() => reading.reader.calls(calls));
    }, TOGETHER_MS);
  }

  /** Its client has gone. @param isOpen whether the agent has taken it. */
  #go(isOpen = false): void {
    if (!this.#isLasting) this.cancel();
    // Before that there is nothing that could be taken up again.
    else if (isOpen) this.leave();
  }

  async #run(): Promise<void> {
    try {
      for await (const event of this.#chat) {
        this.#note(event);
        if (TERMINAL_KINDS.has(event.kind)) this.#tellEnd({ event: event as TerminalEvent });
        else this.#pass(event);
      }
    } catch (error) {
      if (!this.#end) this.#tellEnd({ error: frontErrorOf(error) ?? UNKNOWN });
    }
    this.#unattended?.stop();
    clearTimeout(this.#together);
    if (!this.#end) this.#tellEnd({ error: LEFT });
    await this.#host.close();
  }

  #note(event: ChatEvent): void {
    this.#unattended?.note(this.#chat, event);
    if (event.kind === 'approval_resolved' || event.kind === 'gate_resolved') this.approvals.settled(event.approval_id);
    if (event.kind === 'token') this.hasSpoken = true;
    else if (isUsage(event)) for (const name of COUNTS) if (isCount(event[name])) this.usage[name] = event[name];
  }

  #pass(event: ChatEvent): void {
    const reading = this.#reading;
    if (reading) {
      this.#step(() => reading.reader.event(event));
      return;
    }
    // Nobody comes for it.
    if (this.#isCancelled || this.#isLeft) return;
    if (!this.#waiting.add(event)) this.cancel();
  }

  #step(run: () => Step): void {
    const reading = this.#reading;
    try {
      const step = run();
      if (step === undefined || this.#reading !== reading) return;
      if (step === 'ask') {
        this.showSoon(true);
        return;
      }
      this.#asks = false;
      this.#reading = undefined;
      reading?.done();
    } catch (error) {
      // A fault of the front's own: its response fails, and the turn with it.
      this.#reading = undefined;
      reading?.failed(error);
      this.cancel();
    }
  }

  #tellEnd(end: TurnEnd): void {
    this.#end = end;
    const reading = this.#reading;
    if (!reading) return;
    this.#reading = undefined;
    try {
      reading.reader.ended(end);
      reading.done();
    } catch (error) {
      reading.failed(error);
    }
  }
}

const UNKNOWN = new FrontError(500, null, 'internal error', { hasRun: true });
/** It was cancelled, or left: whoever reads it now has come too late. */
const LEFT = new FrontError(424, 'cancelled', 'the turn was cancelled', { hasRun: true });
