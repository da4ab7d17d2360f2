import {
  type Message,
  type Part,
  Role,
  type SendMessageConfiguration,
  type SendMessageRequest,
  type StreamResponse,
  type Task,
  TaskState,
} from '@a2a-js/sdk';
import { type Client, ClientFactory, ClientFactoryOptions, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import type { Scene } from '../front-scene.ts';

/** A `fetch` that comes with a key. */
export const fetchWith =
  (key: string): typeof fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${key}`);
    return fetch(input, { ...init, headers });
  };

/** The client of the SDK, for an agent, by its card. */
export async function clientOf({ url, token }: Scene, { agent = 'echo', key = token } = {}): Promise<Client> {
  const transport = new JsonRpcTransportFactory({ fetchImpl: fetchWith(key) });
  const factory = new ClientFactory({ ...ClientFactoryOptions.default, transports: [transport] });
  return factory.createFromUrl(`${url}/a2a/${agent}/`, '.well-known/agent-card.json');
}

export const text = (value: string): Part => part({ $case: 'text', value });
export const data = (value: unknown): Part => part({ $case: 'data', value });
export const part = (content: NonNullable<Part['content']>, mediaType = ''): Part => ({
  content,
  metadata: undefined,
  filename: '',
  mediaType,
});

/** A request with what a person says. */
export function said(
  what: string | Part | Part[],
  message: Partial<Message> = {},
  configuration?: Partial<SendMessageConfiguration>,
): SendMessageRequest {
  const parts = typeof what === 'string' ? [text(what)] : [what].flat();
  return {
    tenant: '',
    message: {
      messageId: crypto.randomUUID(),
      contextId: '',
      taskId: '',
      role: Role.ROLE_USER,
      parts,
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
      ...message,
    },
    configuration: configuration && {
      acceptedOutputModes: [],
      taskPushNotificationConfig: undefined,
      returnImmediately: false,
      ...configuration,
    },
    metadata: undefined,
  };
}

export const byId = (id: string) => ({ id, tenant: '' });
export const cancelOf = (id: string) => ({ ...byId(id), metadata: undefined });
/** Does not wait. */
export const AT_ONCE = { returnImmediately: true };

/** A state by its name. */
export const stateOf = ({ status }: Pick<Task, 'status'>): string =>
  (TaskState[status?.state ?? 0] ?? '').replace('TASK_STATE_', '');

export const textIn = (parts: readonly Part[] = []): string =>
  parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join('');
/** What was answered. */
export const answerOf = ({ artifacts }: Task): string => textIn(artifacts[0]?.parts);
/** What stands in its status. */
export const wordsOf = ({ status }: Pick<Task, 'status'>): string => textIn(status?.message?.parts);

/** What a stream has told, as its client puts it together. */
export class Told {
  task: Task | undefined;
  readonly states: string[] = [];
  readonly updates: number[] = [];
  text = '';
  parts: Part[] = [];

  hear({ payload }: StreamResponse): void {
    if (payload?.$case === 'task') {
      this.task = payload.value;
      this.text = answerOf(payload.value);
      this.parts = [...(payload.value.artifacts[0]?.parts ?? [])];
      this.states.push(stateOf(payload.value));
    } else if (payload?.$case === 'artifactUpdate') {
      const { artifact, append } = payload.value;
      const parts = artifact?.parts ?? [];
      if (!append) [this.text, this.parts] = ['', []];
      else if (this.parts.length === 0) throw new Error('appended to what there is not');
      this.text += textIn(parts);
      this.parts.push(...parts);
      this.updates.push(textIn(parts).length);
    } else if (payload?.$case === 'statusUpdate') this.states.push(stateOf(payload.value));
    else throw new Error('neither a task nor what became of it');
  }
}

/** Reads a stream to its end. */
export async function read(stream: AsyncIterable<StreamResponse>, told = new Told()): Promise<Told> {
  for await (const event of stream) told.hear(event);
  return told;
}

/** What a method of the SDK's returns, which is a task. */
export async function taskOf(answer: Promise<Task | Message>): Promise<Task> {
  const task = await answer;
  if ('messageId' in task) throw new Error('a bare message');
  return task;
}
