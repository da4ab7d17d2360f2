import { setTimeout as delay } from 'node:timers/promises';
import type {
  AgentCard,
  CancelTaskRequest,
  GetTaskRequest,
  ListTasksRequest,
  ListTasksResponse,
  Message,
  SendMessageRequest,
  StreamResponse,
  SubscribeToTaskRequest,
  Task,
} from '@a2a-js/sdk';
import {
  PushNotificationNotSupportedError,
  RequestMalformedError,
  TaskNotFoundError,
  UnsupportedOperationError,
} from '@a2a-js/sdk/errors';
import type { A2ARequestHandler } from '@a2a-js/sdk/server';
import type { FrontCore } from '../core/core.ts';
import { ClientGone } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Held } from '../core/held.ts';
import { namedSession } from '../core/ids.ts';
import { isText } from '../core/values.ts';
import { pageOf } from './listing.ts';
import { checkMessage, promptOf, wordOf } from './message.ts';
import { A2aTask } from './task.ts';
import type { Tasks } from './tasks.ts';
import { tell } from './telling.ts';

const PREFIX = 'a2a';
/** A client is told that its task was submitted where its agent has not taken it after so many milliseconds. */
const SUBMITTED_MS = 250;

/** What the front has for all its requests. */
export interface A2aPlace {
  core: FrontCore;
  tasks: Tasks<A2aTask>;
  /** What those of them hold that go on. */
  held: Held;
}

/** Answers one request: what the SDK's handlers of the two versions ask for, by the tasks of whoever asks. */
export class AgentHandler implements A2ARequestHandler {
  readonly #core: FrontCore;
  readonly #tasks: Tasks<A2aTask>;
  readonly #held: Held;
  readonly #exchange: Exchange;
  readonly #agentId: string;
  /** What was thrown here, before the SDK made something else of it. */
  fault: unknown;

  constructor({ core, tasks, held }: A2aPlace, exchange: Exchange, agentId: string) {
    this.#core = core;
    this.#tasks = tasks;
    this.#held = held;
    this.#exchange = exchange;
    this.#agentId = agentId;
  }

  /** The SDK asks it for nothing else. */
  async getAgentCard(): Promise<AgentCard> {
    return { capabilities: { streaming: true, pushNotifications: false, extensions: [] } } as unknown as AgentCard;
  }

  getAuthenticatedExtendedAgentCard = () => this.#noting(() => this.#refuse('an extended card'));

  sendMessage = (request: SendMessageRequest): Promise<Message | Task> =>
    this.#noting(async () => {
      const { task, start } = await this.#send(request);
      const { returnImmediately = false, historyLength } = request.configuration ?? {};
      const { signal } = this.#exchange;
      if (!returnImmediately) await task.rest(signal, start.version);
      if (signal.aborted) throw new ClientGone();
      return task.toTask(lengthOf(historyLength));
    });

  async *sendMessageStream(request: SendMessageRequest): AsyncGenerator<StreamResponse, void, undefined> {
    const { task, start } = await this.#noting(() => this.#send(request));
    yield* tell(task, start, this.#exchange.signal);
  }

  getTask = ({ id, historyLength }: GetTaskRequest): Promise<Task> =>
    this.#noting(async () => {
      const length = lengthOf(historyLength);
      return this.#find(id).toTask(length);
    });

  listTasks = (request: ListTasksRequest): Promise<ListTasksResponse> =>
    this.#noting(async () => {
      const tasks = this.#tasks.of(this.#exchange.owner, this.#agentId);
      return pageOf(tasks, { ...request, historyLength: lengthOf(request.historyLength) }, this.#core.limits);
    });

  cancelTask = ({ id }: CancelTaskRequest): Promise<Task> =>
    this.#noting(async () => {
      const task = this.#find(id);
      await task.cancel();
      return task.toTask();
    });

  async *resubscribe({ id }: SubscribeToTaskRequest): AsyncGenerator<StreamResponse, void, undefined> {
    const task = await this.#noting(async () => this.#find(id));
    if (task.isOver)
      await this.#noting(async () => {
        throw new UnsupportedOperationError('the task has ended');
      });
    yield* tell(task, task.here(), this.#exchange.signal);
  }

  createTaskPushNotificationConfig = () => this.#noPush();
  getTaskPushNotificationConfig = () => this.#noPush();
  listTaskPushNotificationConfigs = () => this.#noPush();
  deleteTaskPushNotificationConfig = () => this.#noPush();

  async #send({ message: given, configuration }: SendMessageRequest) {
    if (configuration?.taskPushNotificationConfig) await this.#noPush();
    lengthOf(configuration?.historyLength);
    const message = checkMessage(given);
    if (message.taskId === '') {
      const task = await this.#begin(message);
      return { task, start: task.beginning() };
    }
    const task = this.#find(message.taskId);
    if (message.contextId !== '' && message.contextId !== task.contextId)
      throw new RequestMalformedError('the task is of another context');
    return { task, start: await task.reply(message, wordOf(message)) };
  }

  async #begin(message: Message): Promise<A2aTask> {
    const asked = promptOf(message);
    this.#tasks.makeRoom(this.#exchange.owner);
    const task: A2aTask = new A2aTask(this.#core, this.#exchange, message, {
      agentId: this.#agentId,
      held: this.#held,
      over: () => this.#tasks.ended(task),
    });
    this.#tasks.add(task);
    const opening = task.open({ ...asked, sessionId: namedSession(PREFIX, task.contextId) });
    const settled = new AbortController();
    const refusal = await Promise.race([
      opening,
      delay(SUBMITTED_MS, undefined, { signal: settled.signal }).catch(() => undefined),
    ]);
    settled.abort();
    if (refusal && !task.isTold(refusal)) {
      // Nobody has heard of it.
      this.#tasks.delete(task);
      throw refusal.status === 400 ? new RequestMalformedError(refusal.message) : refusal;
    }
    return task;
  }

  /** @param id of 0.3, as it came @throws {RequestMalformedError} @throws {TaskNotFoundError} */
  #find(id: unknown): A2aTask {
    if (!isText(id) || id.trim() === '') throw new RequestMalformedError('a task has an id');
    const task = this.#tasks.get(this.#exchange.owner, this.#agentId, id);
    if (!task) throw new TaskNotFoundError('there is no such task');
    return task;
  }

  #noPush(): Promise<never> {
    return this.#noting(async () => {
      throw new PushNotificationNotSupportedError('nobody is called back from here: subscribe to the task');
    });
  }

  async #refuse(what: string): Promise<never> {
    throw new UnsupportedOperationError(`${what} is not offered`);
  }

  async #noting<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      this.fault = error;
      throw error;
    }
  }
}

/** @throws {RequestMalformedError} */
function lengthOf(historyLength: number | undefined): number | undefined {
  if (historyLength === undefined || (Number.isInteger(historyLength) && historyLength >= 0)) return historyLength;
  throw new RequestMalformedError('historyLength is a number from 0 on');
}
