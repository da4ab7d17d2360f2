import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AgentCard, type Part, Role, TaskState, type TaskStatus } from '@a2a-js/sdk';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { jsonRpcHandler, restHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import * as old from 'a2a-sdk-0-3/server';
import * as oldExpress from 'a2a-sdk-0-3/server/express';
import { onTestFinished } from 'vitest';
import type { Message } from './linked.ts';

/* Real A2A agents, each by the server of the SDK of its generation, played by a test. */

/** What an agent of a test's says of its task. States as A2A 0.3 names them. */
export interface Says {
  readonly taskId: string;
  task(): void;
  status(state: string, words?: string): void;
  /** A part of an artifact, or the whole of it. */
  artifact(id: string, text: string, append?: boolean): void;
  /** Parts of an artifact that are no text. */
  extras(id: string): void;
  /** No task at all, but this. */
  message(words: string): void;
  /** Resolves when the task is cancelled. */
  readonly cancelled: Promise<void>;
}

/** What the agent does with a message. */
export type Play = (says: Says, heard: { text: string; data: unknown[]; message: Message }) => Promise<void> | void;

/** One HTTP request that it got. */
export interface Heard {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
}

/** How to start one. */
export interface RemoteOptions {
  generation?: '1.0' | '0.3';
  binding?: 'JSONRPC' | 'HTTP+JSON';
  streaming?: boolean;
  play: Play;
  /** Stands before it all: true where it has answered itself. */
  before?: ((heard: Heard, response: Parameters<RequestListener>[1]) => boolean) | undefined;
  /** What its card says besides. */
  card?: (origin: string) => object;
}

/** Starts one; it is gone after the test. */
export async function startRemote(options: RemoteOptions) {
  const { generation = '1.0', binding = 'JSONRPC', streaming = true, before = () => false } = options;
  const heard: Heard[] = [];
  // It has no types here, and is a stranger's: the SDK's handlers want it.
  const { default: express } = await import('express' as string);
  const app = express();
  const server = createServer((request, response) => {
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    heard.push(one);
    if (!before(one, response)) app(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}/agent`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const card = {
    ...(generation === '1.0' ? newCard(url, binding, streaming) : oldCard(url, binding, streaming)),
    ...options.card?.(origin),
  };
  app.get('/.well-known/agent-card.json', (_request: unknown, response: { json(value: unknown): void }) =>
    response.json(card),
  );
  app.use(
    '/agent',
    generation === '1.0'
      ? newAgent(card as unknown as AgentCard, binding, options.play)
      : oldAgent(card, binding, options.play),
  );
  return { url: `${origin}/`, origin, heard, cut: () => server.closeAllConnections() };
}

const common = {
  name: 'far',
  description: 'a test',
  version: '2.1',
  defaultInputModes: [],
  defaultOutputModes: [],
  skills: [],
};

function newCard(url: string, protocolBinding: string, streaming: boolean) {
  return {
    ...common,
    supportedInterfaces: [{ url, protocolBinding, tenant: '', protocolVersion: '1.0' }],
    capabilities: { streaming, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    signatures: [],
  };
}

function oldCard(url: string, preferredTransport: string, streaming: boolean) {
  return { ...common, url, preferredTransport, protocolVersion: '0.3.0', capabilities: { streaming } };
}

const STATES: Readonly<Record<string, TaskState>> = {
  working: TaskState.TASK_STATE_WORKING,
  completed: TaskState.TASK_STATE_COMPLETED,
  failed: TaskState.TASK_STATE_FAILED,
  rejected: TaskState.TASK_STATE_REJECTED,
  'input-required': TaskState.TASK_STATE_INPUT_REQUIRED,
  'auth-required': TaskState.TASK_STATE_AUTH_REQUIRED,
};

const part = (content: NonNullable<Part['content']>, mediaType = ''): Part => ({
  content,
  metadata: undefined,
  filename: '',
  mediaType,
});

function cancels() {
  const waiting = new Map<string, () => void>();
  return {
    of: (taskId: string) => new Promise<void>((resolve) => waiting.set(taskId, resolve)),
    cancel: (taskId: string) => waiting.get(taskId)?.(),
  };
}

function newAgent(card: AgentCard, binding: string, play: Play): unknown {
  const stops = cancels();
  const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), {
    execute: async ({ userMessage, taskId, contextId }, bus) => {
      const message = (words: string, ofTask = true) => ({
        messageId: crypto.randomUUID(),
        contextId,
        taskId: ofTask ? taskId : '',
        role: Role.ROLE_AGENT,
        parts: [part({ $case: 'text', value: words })],
        metadata: undefined,
        extensions: [],
        referenceTaskIds: [],
      });
      const status = (state: TaskState, words?: string): TaskStatus => ({
        state,
        message: words === undefined ? undefined : message(words),
        timestamp: undefined,
      });
      const artifact = (artifactId: string, parts: Part[], append: boolean) =>
        bus.publish(
          AgentEvent.artifactUpdate({
            taskId,
            contextId,
            artifact: { artifactId, name: '', description: '', parts, metadata: undefined, extensions: [] },
            append,
            lastChunk: false,
            metadata: undefined,
          }),
        );
      const says: Says = {
        taskId,
        task: () => {
          const fields = { artifacts: [], history: [], metadata: undefined };
          bus.publish(
            AgentEvent.task({ id: taskId, contextId, status: status(TaskState.TASK_STATE_SUBMITTED), ...fields }),
          );
        },
        status: (state, words) =>
          bus.publish(
            AgentEvent.statusUpdate({
              taskId,
              contextId,
              status: status(STATES[state] ?? TaskState.TASK_STATE_CANCELED, words),
              metadata: undefined,
            }),
          ),
        artifact: (id, text, append = false) => artifact(id, [part({ $case: 'text', value: text })], append),
        extras: (id) =>
          artifact(
            id,
            [
              part({ $case: 'data', value: { a: 1 } }),
              part({ $case: 'raw', value: Buffer.from('hi') }, 'image/png'),
              part({ $case: 'url', value: 'https://example.org/x' }),
            ],
            false,
          ),
        message: (words) => bus.publish(AgentEvent.message(message(words, false))),
        cancelled: stops.of(taskId),
      };
      const { parts } = userMessage;
      await play(says, {
        text: parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join(),
        data: parts.flatMap(({ content }) => (content?.$case === 'data' ? [content.value] : [])),
        message: userMessage,
      });
      bus.finished();
    },
    cancelTask: async (taskId, bus) => {
      stops.cancel(taskId);
      const status = { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: undefined };
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId: '', status, metadata: undefined }));
      bus.finished();
    },
  });
  const options = { requestHandler: handler, userBuilder: UserBuilder.noAuthentication };
  return binding === 'JSONRPC' ? jsonRpcHandler(options) : restHandler(options);
}

function oldAgent(card: object, binding: string, play: Play): unknown {
  const stops = cancels();
  const handler = new old.DefaultRequestHandler(card as never, new old.InMemoryTaskStore(), {
    execute: async ({ userMessage, taskId, contextId, task }, bus) => {
      const message = (words: string, ofTask = true) => ({
        kind: 'message' as const,
        messageId: crypto.randomUUID(),
        contextId,
        ...(ofTask ? { taskId } : {}),
        role: 'agent' as const,
        parts: [{ kind: 'text' as const, text: words }],
      });
      const artifact = (artifactId: string, parts: object[], append: boolean) =>
        bus.publish({
          kind: 'artifact-update',
          taskId,
          contextId,
          artifact: { artifactId, parts: parts as never },
          append,
        });
      const says: Says = {
        taskId,
        task: () => {
          if (!task)
            bus.publish({
              kind: 'task',
              id: taskId,
              contextId,
              status: { state: 'submitted' },
              artifacts: [],
              history: [],
            });
        },
        status: (state, words) =>
          bus.publish({
            kind: 'status-update',
            taskId,
            contextId,
            status: { state: state as never, ...(words === undefined ? {} : { message: message(words) }) },
            final: state !== 'working',
          }),
        artifact: (id, text, append = false) => artifact(id, [{ kind: 'text', text }], append),
        extras: (id) =>
          artifact(
            id,
            [
              { kind: 'data', data: { a: 1 } },
              { kind: 'file', file: { bytes: 'aGk=', mimeType: 'image/png' } },
              { kind: 'file', file: { uri: 'https://example.org/x' } },
            ],
            false,
          ),
        message: (words) => bus.publish(message(words, false)),
        cancelled: stops.of(taskId),
      };
      const { parts } = userMessage;
      await play(says, {
        text: parts.flatMap((one) => (one.kind === 'text' ? [one.text] : [])).join(),
        data: parts.flatMap((one) => (one.kind === 'data' ? [one.data] : [])),
        message: userMessage,
      });
      bus.finished();
    },
    cancelTask: async (taskId, bus) => {
      stops.cancel(taskId);
      bus.publish({ kind: 'status-update', taskId, contextId: '', status: { state: 'canceled' }, final: true });
      bus.finished();
    },
  });
  const options = { requestHandler: handler, userBuilder: oldExpress.UserBuilder.noAuthentication };
  return binding === 'JSONRPC' ? oldExpress.jsonRpcHandler(options) : oldExpress.restHandler(options);
}
