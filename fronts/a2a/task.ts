import { type Message, Role, type Task, TaskState, type TaskStatus } from '@a2a-js/sdk';
import { TaskNotCancelableError, UnsupportedOperationError } from '@a2a-js/sdk/errors';
import type { ChatEvent } from '../../client/node.ts';
import type { FrontCore } from '../core/core.ts';
import { FrontError, frontErrorOf, outcomeOf, wasCancelled } from '../core/errors.ts';
import type { AnyEvent, Question } from '../core/event-data.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Account, Held } from '../core/held.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader, TurnSpec } from '../core/turn.ts';
import { AnswerLog } from './answer-log.ts';
import { partsOfQuestion, type Word } from './message.ts';
import { messageSize, partOfContent, textPart } from './parts.ts';
import type { Start } from './telling.ts';

/** Messages of one task that are kept: the first, and the newest. */
export const MAX_HISTORY = 100;
/** What a task counts besides what was said. Characters. */
const TASK_SIZE = 1_024;

const ENDED: ReadonlySet<TaskState> = new Set([
  TaskState.TASK_STATE_COMPLETED,
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_CANCELED,
  TaskState.TASK_STATE_REJECTED,
  TaskState.TASK_STATE_AUTH_REQUIRED,
]);

/** What a broker answers where the agent would not, or cannot now: the task is there, and was rejected. */
const REJECTIONS: ReadonlySet<string | null> = new Set(['session_busy', 'agent_rejected']);

/** What else there is to know of an {@link A2aTask}. */
export interface A2aTaskOptions {
  agentId: string;
  /** What all of them hold. */
  held: Held;
  /** Hears of its end. */
  over(): void;
}

/** One turn, as its client sees it: read to its end, whether anybody looks or not. */
export class A2aTask implements TurnReader {
  readonly id: string = crypto.randomUUID();
  readonly owner: string;
  readonly agentId: string;
  readonly contextId: string;
  /** What its agent has said. */
  readonly answer: AnswerLog;
  readonly #core: FrontCore;
  readonly #who: Exchange['who'];
  readonly #over: () => void;
  readonly #stop = new AbortController();
  /** It goes on, whoever goes. */
  readonly #never = new AbortController().signal;
  readonly #history: Message[] = [];
  #historySize = 0;
  readonly #held: Account;
  readonly #beganAt = now();
  #takenAt: string | undefined;
  #state = TaskState.TASK_STATE_SUBMITTED;
  #at = this.#beganAt;
  /** What stands in its status: a question, or why it failed. */
  #said: Message | undefined;
  #version = 0;
  #turn: FrontTurn | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  /** What is asked, and not answered: the one that its status has first. */
  readonly #questions = new Map<string, Question>();
  readonly #waiting = new Set<() => void>();

  /** @throws {FrontError} 429 where there is no room for the message */
  constructor(core: FrontCore, { who, owner }: Exchange, message: Message, { agentId, held, over }: A2aTaskOptions) {
    this.#core = core;
    this.#who = who;
    this.owner = owner;
    this.#held = held.open(owner);
    this.agentId = agentId;
    this.contextId = message.contextId || crypto.randomUUID();
    this.#over = over;
    this.answer = new AnswerLog(() => this.#wake());
    this.#remember(message);
  }

  get status(): TaskStatus {
    return { state: this.#state, message: this.#said, timestamp: this.#at };
  }

  get state(): TaskState {
    return this.#state;
  }

  /** When that changed last, RFC 3339. */
  get at(): string {
    return this.#at;
  }

  /** How often its status has changed. */
  get version(): number {
    return this.#version;
  }

  /** When its agent took it, RFC 3339. */
  get takenAt(): string | undefined {
    return this.#takenAt;
  }

  get isOver(): boolean {
    return ENDED.has(this.#state);
  }

  /** Whether it has ended, or asks something. @param since a version: what it asked then is known. */
  isResting(since: number): boolean {
    return this.isOver || (this.#state === TaskState.TASK_STATE_INPUT_REQUIRED && this.#version !== since);
  }

  /** Roughly the characters that it takes. */
  get size(): number {
    return TASK_SIZE + this.#historySize + this.answer.size;
  }

  /** As it is now. @param historyLength how many messages, the newest; default: all. */
  toTask(historyLength = MAX_HISTORY): Task {
    return {
      id: this.id,
      contextId: this.contextId,
      status: this.status,
      artifacts: this.answer.whole(),
      history: historyLength === 0 ? [] : this.#history.slice(-historyLength),
      metadata: undefined,
    };
  }

  /** Where it stands. */
  here(): Start {
    return { task: this.toTask(), told: this.answer.length, version: this.#version };
  }

  /** Where it began. */
  beginning(): Start {
    const status = { state: TaskState.TASK_STATE_SUBMITTED, message: undefined, timestamp: this.#beganAt };
    return { task: { ...this.toTask(), status, artifacts: [] }, told: 0, version: 0 };
  }

  /** Resolves when it has ended, asks something, or nobody waits any more. @param since as {@link isResting} */
  async rest(signal: AbortSignal, since: number): Promise<void> {
    while (!this.isResting(since) && !signal.aborted) await this.change(signal);
  }

  /** Resolves when anything about it is new, or nobody waits any more. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Opens its turn. Resolves when its agent has taken it, or to why not. */
  async open(spec: Omit<TurnSpec, 'agentId' | 'stop'>): Promise<FrontError | undefined> {
    const whole = { ...spec, agentId: this.agentId, stop: this.#stop.signal };
    const opening = this.#core.openTurn({ who: this.#who, owner: this.owner, signal: this.#never }, whole);
    this.#opening = opening.catch(() => {});
    try {
      this.#turn = await opening;
    } catch (error) {
      return this.#refused(error);
    }
    if (this.isOver) return undefined;
    this.#become(TaskState.TASK_STATE_WORKING);
    this.#takenAt = this.#at;
    this.#turn.read(this, this.#never).catch(() => this.#end(TaskState.TASK_STATE_FAILED, 'internal error'));
    return undefined;
  }

  /** Whether there is more to tell than that its turn was refused. */
  isTold({ code }: FrontError): boolean {
    return REJECTIONS.has(code) || this.#state === TaskState.TASK_STATE_CANCELED;
  }

  /** Cancels it, in whatever state it is. @throws {TaskNotCancelableError} it has ended */
  async cancel(): Promise<void> {
    if (this.#state === TaskState.TASK_STATE_AUTH_REQUIRED) this.#become(TaskState.TASK_STATE_CANCELED);
    else if (this.isOver && this.#state !== TaskState.TASK_STATE_CANCELED)
      throw new TaskNotCancelableError('the task has ended');
    else this.#end(TaskState.TASK_STATE_CANCELED);
    this.#stop.abort();
    await this.#opening;
    // Its session is free then.
    await this.#turn?.over;
  }

  /**
   * Answers a question; resolves to where it stood as it went on.
   * @throws {UnsupportedOperationError} nothing is asked @throws {FrontError} 429 there is no room for the answer
   */
  async reply(message: Message, { approvalId, approved, answer }: Word): Promise<Start> {
    const [first] = this.#questions.keys();
    const id = approvalId ?? first ?? '';
    const question = this.#questions.get(id);
    if (!this.#turn || !question)
      throw new UnsupportedOperationError(
        this.isOver ? 'the task has ended: a new one may be of the same context' : 'the task asks nothing like it',
      );
    const asked = this.#said;
    this.#remember(message, asked && [asked]);
    this.#questions.delete(id);
    this.#unpark();
    this.#become(TaskState.TASK_STATE_WORKING);
    const start = this.here();
    const decided = await this.#turn.decide(id, approved, answer);
    // Its agent would not take it, and asks still.
    if (!decided) this.#questions.set(id, question);
    this.#ask();
    return start;
  }

  event(event: ChatEvent): Step {
    if (this.isOver) return undefined;
    const { kind, content } = event as AnyEvent;
    if (event.kind === 'token') this.answer.say(event.delta);
    else if (kind === 'content') this.answer.add(partOfContent(content));
    else if (event.kind === 'approval_pending' || event.kind === 'gate_pending') {
      this.#questions.set(event.approval_id, event);
      if (this.#questions.size === 1) this.#ask();
    } else if (event.kind === 'approval_resolved' || event.kind === 'gate_resolved') this.#settle(event.approval_id);
    this.#bound();
    return undefined;
  }

  /** A client of A2A has no tools. */
  calls(): Step {
    return undefined;
  }

  ended(end: TurnEnd): void {
    if (this.isOver) return;
    const outcome = outcomeOf(end);
    const { failure, text } = outcome;
    if (!this.#turn?.hasSpoken) this.answer.say(text);
    this.#bound();
    if (wasCancelled(outcome)) this.#end(TaskState.TASK_STATE_CANCELED);
    else if (!failure) this.#end(TaskState.TASK_STATE_COMPLETED);
    else if ('event' in end && end.event.kind === 'auth_required')
      this.#end(TaskState.TASK_STATE_AUTH_REQUIRED, failure.message);
    else this.#end(TaskState.TASK_STATE_FAILED, failure.message);
  }

  #refused(error: unknown): FrontError {
    const known = frontErrorOf(error) ?? new FrontError(500, null, 'internal error');
    const isRejected = REJECTIONS.has(known.code);
    this.#end(isRejected ? TaskState.TASK_STATE_REJECTED : TaskState.TASK_STATE_FAILED, known.message);
    return known;
  }

  /** Asks what was asked first, if anything is. */
  #ask(): void {
    const [question] = this.#questions.values();
    if (!question || !this.#turn || this.isOver) return;
    const { parked } = this.#core;
    const late = () => this.#end(TaskState.TASK_STATE_CANCELED, 'nobody answered in time');
    if (!parked.has(this.#turn)) parked.park(this.#turn, late);
    // It may have been one too many.
    if (!this.isOver) this.#become(TaskState.TASK_STATE_INPUT_REQUIRED, this.#message(partsOfQuestion(question)));
  }

  /** Somebody has decided, elsewhere. */
  #settle(id: string): void {
    const [asked] = this.#questions.keys();
    if (!this.#questions.delete(id) || id !== asked) return;
    if (this.#questions.size > 0) {
      this.#ask();
      return;
    }
    this.#unpark();
    this.#become(TaskState.TASK_STATE_WORKING);
  }

  #unpark(): void {
    this.#core.parked.take(this.owner, this.agentId, (turn) => turn === this.#turn);
  }

  #bound(): void {
    const most = this.#core.limits.maxMessageBytes;
    if (this.isOver) return;
    const isTooLong = this.answer.size > most;
    if (!isTooLong && this.#held.take(this.size)) return;
    this.#end(
      TaskState.TASK_STATE_FAILED,
      isTooLong ? `an answer may have ${most} characters` : 'tasks that go on hold too much already',
    );
    this.#stop.abort();
  }

  #end(state: TaskState, words?: string): void {
    if (this.isOver) return;
    this.#questions.clear();
    this.#unpark();
    this.#held.close();
    this.#become(state, words === undefined ? undefined : this.#message([textPart(words)]));
    this.#over();
  }

  #become(state: TaskState, said?: Message): void {
    this.answer.flush();
    this.#state = state;
    this.#said = said;
    this.#at = now();
    this.#version += 1;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #message(parts: Message['parts']): Message {
    const messageId = crypto.randomUUID();
    const { contextId } = this;
    return {
      messageId,
      contextId,
      taskId: this.id,
      role: Role.ROLE_AGENT,
      parts,
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    };
  }

  /** @throws {FrontError} 429 where there is no room for it */
  #remember(message: Message, before: Message[] = []): void {
    const added = [...before, message].map((one) => ({ ...one, taskId: this.id, contextId: this.contextId }));
    const more = added.reduce((size, one) => size + messageSize(one), 0);
    if (!this.#held.take(this.size + more))
      throw new FrontError(429, 'limit_exceeded', 'your tasks that go on hold too much', { retryAfterMs: 1_000 });
    this.#history.push(...added);
    this.#historySize += more;
    while (this.#history.length > MAX_HISTORY) {
      // The first is what it is about.
      const [gone] = this.#history.splice(1, 1);
      if (gone) this.#historySize -= messageSize(gone);
    }
  }
}

const now = (): string => new Date().toISOString();
