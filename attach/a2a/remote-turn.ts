import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part, StreamResponse, Task, TaskStatus } from '@a2a-js/sdk';
import type { Client } from '@a2a-js/sdk/client';
import type { AgentEvent, Turn } from '../../client/node.ts';
import { pace } from '../pace.ts';
import { Answer, textOf } from './answer.ts';
import { type Guarded, RemoteError } from './guard.ts';
import type { Sdk } from './sdk.ts';

/** Waits between two looks at a task, in milliseconds: the first, doubled each time up to the longest. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1_000, 10_000];
/** How often a stream that was lost is taken up again. */
const MAX_TRIES = 3;
/** How long it is waited, once a turn was cancelled, for the id of the task that is to be cancelled. Milliseconds. */
const LATE_ID_MS = 10_000;

/** What a turn needs of the agent. */
export interface RemoteTurnInput {
  client: Client;
  sdk: Sdk;
  guard: Guarded;
  contextId: string | undefined;
  isStreaming: boolean;
}

/** One turn with a remote agent: a message, the task that comes of it, and what its agent asks meanwhile. */
export class RemoteTurn {
  /** As the server has it. */
  contextId: string | undefined;
  readonly #turn: Turn;
  readonly #input: RemoteTurnInput;
  readonly #answer = new Answer();
  /** Ends what is being read. */
  readonly #reading = new AbortController();
  #taskId: string | undefined;
  #status: TaskStatus | undefined;
  /** It answered with a message, and no task: that is all. */
  #isMessage = false;
  #isCancelling = false;

  constructor(turn: Turn, input: RemoteTurnInput) {
    this.#turn = turn;
    this.#input = input;
    this.contextId = input.contextId;
  }

  async *run(): AsyncGenerator<AgentEvent> {
    try {
      yield* this.#run();
    } finally {
      // Cancelled while somebody else had something to do.
      if (this.#turn.signal.aborted && !this.#isCancelling) void this.#cancel(Promise.resolve(undefined));
    }
  }

  async *#run(): AsyncGenerator<AgentEvent> {
    let parts = this.#prompt();
    for (;;) {
      yield* this.#untilRest(parts);
      if (this.#isMessage) return yield { kind: 'done', finish_reason: 'stop' };
      const { TaskState } = this.#input.sdk;
      if (this.#status?.state !== TaskState.TASK_STATE_INPUT_REQUIRED) break;
      parts = await this.#ask(textOf(this.#status.message?.parts ?? []));
    }
    yield* this.#end();
  }

  /** Sends parts, and follows the task until it has ended or waits for somebody. */
  async *#untilRest(parts: Part[]): AsyncGenerator<AgentEvent> {
    this.#status = undefined;
    const { client } = this.#input;
    const request = { tenant: '', message: this.#message(parts), configuration: undefined, metadata: undefined };
    const options = { signal: this.#reading.signal };
    if (this.#input.isStreaming) {
      yield* this.#follow(client.sendMessageStream(request, options), true);
      for (let tries = 0; !this.#rests; tries++) yield* this.#takeUpAgain(tries);
      return;
    }
    const sent = await this.#orCancelled(client.sendMessage(request, options), (late) =>
      'messageId' in late ? undefined : late.id,
    );
    if ('messageId' in sent) return yield* this.#take({ payload: { $case: 'message', value: sent } });
    yield* this.#take({ payload: { $case: 'task', value: sent } });
    for (let wait = FIRST_WAIT_MS; !this.#rests; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      await this.#orCancelled(sleep(wait, undefined, options), () => undefined);
      yield* this.#look();
    }
  }

  /**
   * What comes, until the task rests or the stream is over. One that breaks off may be taken up again.
   * @param isNew it is the answer to a message: where nothing came of that, it was refused, or did not get there
   */
  async *#follow(events: AsyncGenerator<StreamResponse>, isNew: boolean): AsyncGenerator<AgentEvent> {
    const { guard } = this.#input;
    const idOf = ({ payload }: StreamResponse) =>
      payload?.$case === 'task' ? payload.value.id : payload?.value.taskId || undefined;
    let hasCome = false;
    try {
      for (;;) {
        const late = ({ value }: IteratorResult<StreamResponse, void>) => (value ? idOf(value) : undefined);
        const { value, done } = await this.#orCancelled(events.next(), late);
        if (done) return;
        hasCome = true;
        // However fast it comes.
        await pace.breathe();
        yield* this.#take(value);
        if (this.#rests) return;
      }
    } catch (error) {
      this.#turn.signal.throwIfAborted();
      if ((isNew && !hasCome) || (guard.failure && guard.failure.reason !== 'unreachable')) throw error;
      guard.failure = undefined;
    } finally {
      if (!this.#turn.signal.aborted) void events.return(undefined).catch(() => {});
    }
  }

  async *#takeUpAgain(tries: number): AsyncGenerator<AgentEvent> {
    const { client, guard } = this.#input;
    const id = this.#taskId;
    if (id === undefined || tries >= MAX_TRIES) {
      guard.failure = undefined;
      throw new RemoteError('unreachable', 'the stream of the remote agent broke off');
    }
    const { signal } = this.#reading;
    if (tries > 0)
      await this.#orCancelled(sleep(FIRST_WAIT_MS * 2 ** (tries - 1), undefined, { signal }), () => undefined);
    yield* this.#follow(client.resubscribeTask({ tenant: '', id }, { signal }), false);
    if (this.#rests) return;
    // Of a task that has ended meanwhile there is no stream any more.
    try {
      yield* this.#look();
    } catch (error) {
      this.#turn.signal.throwIfAborted();
      if (guard.failure && guard.failure.reason !== 'unreachable') throw error;
      guard.failure = undefined;
    }
  }

  /** How the task stands now. */
  async *#look(): AsyncGenerator<AgentEvent> {
    const { client } = this.#input;
    const { signal } = this.#reading;
    const task = await this.#orCancelled(
      client.getTask({ tenant: '', id: this.#taskId ?? '', historyLength: 0 }, { signal }),
      () => undefined,
    );
    yield* this.#take({ payload: { $case: 'task', value: task } });
  }

  *#take({ payload }: StreamResponse): Generator<AgentEvent> {
    switch (payload?.$case) {
      case 'message':
        this.#note(payload.value.taskId, payload.value.contextId);
        this.#isMessage = true;
        yield* this.#answer.message(payload.value);
        return;
      case 'task':
        yield* this.#takeTask(payload.value);
        return;
      case 'statusUpdate':
        this.#note(payload.value.taskId, payload.value.contextId);
        yield* this.#takeStatus(payload.value.status);
        return;
      case 'artifactUpdate':
        this.#note(payload.value.taskId, payload.value.contextId);
        if (payload.value.artifact) yield* this.#answer.artifact(payload.value.artifact, payload.value.append);
    }
  }

  *#takeTask({ id, contextId, artifacts, status }: Task): Generator<AgentEvent> {
    this.#note(id, contextId);
    for (const artifact of artifacts) yield* this.#answer.artifact(artifact, false);
    yield* this.#takeStatus(status);
  }

  *#takeStatus(status: TaskStatus | undefined): Generator<AgentEvent> {
    if (!status) return;
    this.#status = status;
    if (status.state === this.#input.sdk.TaskState.TASK_STATE_WORKING) yield* this.#answer.notice(status.message);
  }

  #note(taskId: string, contextId: string): void {
    this.#taskId = taskId || this.#taskId;
    this.contextId = contextId || this.contextId;
  }

  /** It is over, or waits for somebody. */
  get #rests(): boolean {
    if (this.#isMessage) return true;
    const { TaskState } = this.#input.sdk;
    switch (this.#status?.state) {
      case undefined:
      case TaskState.TASK_STATE_UNSPECIFIED:
      case TaskState.TASK_STATE_SUBMITTED:
      case TaskState.TASK_STATE_WORKING:
        return false;
      default:
        return true;
    }
  }

  *#end(): Generator<AgentEvent> {
    const { TaskState } = this.#input.sdk;
    const words = textOf(this.#status?.message?.parts ?? []);
    switch (this.#status?.state) {
      case TaskState.TASK_STATE_COMPLETED:
        if (this.#answer.isEmpty && this.#status.message) yield* this.#answer.message(this.#status.message);
        return yield { kind: 'done', finish_reason: 'stop' };
      case TaskState.TASK_STATE_CANCELED:
        return yield { kind: 'done', finish_reason: 'cancelled' };
      case TaskState.TASK_STATE_AUTH_REQUIRED:
        return yield {
          kind: 'auth_required',
          reason: 'agent',
          message: words || 'the remote agent wants somebody to sign in',
        };
      case TaskState.TASK_STATE_REJECTED:
        return yield {
          kind: 'error',
          error: words || 'the remote agent rejected the task',
          code: 'remote_rejected',
          retryable: false,
        };
      default:
        return yield {
          kind: 'error',
          error: words || 'the remote agent failed',
          code: 'remote_failed',
          retryable: false,
        };
    }
  }

  /** Has a person answer what the agent wants to know. */
  async #ask(words: string): Promise<Part[]> {
    const { approved, answer } = await this.#turn.requestApproval({
      action: words || 'the remote agent needs an answer',
      details: { bridge: 'a2a', task_id: this.#taskId },
    });
    const said = typeof answer === 'string' ? answer : Object(answer).text;
    const text = typeof said === 'string' && said !== '' ? said : approved ? 'yes' : 'no';
    return [part({ $case: 'text', value: text }), part({ $case: 'data', value: { approved } })];
  }

  /**
   * Waits for something, unless the turn is cancelled before: then the task is cancelled, and what is being read is let go of.
   * @param idIn the task's id in what comes late
   */
  async #orCancelled<T>(promise: Promise<T>, idIn: (late: T) => string | undefined): Promise<T> {
    const { signal } = this.#turn;
    promise.catch(() => {});
    let stop = () => {};
    const cancelled = new Promise<never>((_, reject) => {
      const give = () => reject(signal.reason);
      stop = () => signal.removeEventListener('abort', give);
      signal.addEventListener('abort', give);
      if (signal.aborted) give();
    });
    cancelled.catch(() => {});
    try {
      return await Promise.race([promise, cancelled]);
    } catch (error) {
      if (signal.aborted) void this.#cancel(promise.then(idIn, () => undefined));
      throw error;
    } finally {
      stop();
    }
  }

  /** Tells the remote agent to stop, also where its task has no id yet. Never rejects. */
  async #cancel(late: Promise<string | undefined>): Promise<void> {
    this.#isCancelling = true;
    try {
      const id = this.#taskId ?? (await Promise.race([late, sleep(LATE_ID_MS, undefined, { ref: false })]));
      if (id !== undefined)
        await this.#input.client.cancelTask(
          { tenant: '', id, metadata: undefined },
          { signal: AbortSignal.timeout(LATE_ID_MS) },
        );
    } catch {
      // It has ended meanwhile, or nobody is there to be told.
    } finally {
      this.#reading.abort();
    }
  }

  #message(parts: Part[]) {
    const { context } = this.#turn;
    const { instructions, history } = context;
    // Data for an agent that cares, and no part of what the person says.
    const told =
      this.contextId === undefined ? { ...pick('instructions', instructions), ...pick('history', history) } : {};
    return {
      messageId: randomUUID(),
      taskId: this.#taskId ?? '',
      contextId: this.contextId ?? '',
      role: this.#input.sdk.Role.ROLE_USER,
      parts,
      metadata: Object.keys(told).length > 0 ? { switchboard: told } : undefined,
      extensions: [],
      referenceTaskIds: [],
    };
  }

  #prompt(): Part[] {
    const { prompt, params } = this.#turn;
    const pictures = (params.attachments ?? []).map((picture) =>
      picture.type === 'image_base64'
        ? part({ $case: 'raw', value: Buffer.from(picture.data, 'base64') }, picture.media_type)
        : part({ $case: 'url', value: picture.url }),
    );
    return [part({ $case: 'text', value: prompt }), ...pictures];
  }
}

const part = (content: NonNullable<Part['content']>, mediaType = ''): Part => ({
  content,
  metadata: undefined,
  filename: '',
  mediaType,
});

const pick = (name: string, value: unknown): object => (value === undefined ? {} : { [name]: value });
