import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AgentCard, type Message, type Part, Role, type Task, TaskState } from '@a2a-js/sdk';
import { LegacyJsonRpcTransportHandler } from '@a2a-js/sdk/compat/v0_3/server';
import {
  AgentEvent,
  DefaultRequestHandler,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  ServerCallContext,
} from '@a2a-js/sdk/server';

/** One HTTP request that a server got. */
export interface Heard {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An HTTP server of a test's, on loopback; it writes down whatever it hears. */
export interface TestServer {
  url: string;
  heard: Heard[];
  close(): Promise<void>;
}

/** A server that answers as it is told. */
export async function startServer(
  answer: (heard: Heard, respond: Parameters<RequestListener>[1]) => void | Promise<void>,
): Promise<TestServer> {
  const heard: Heard[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
    heard.push(one);
    await answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/a2a`,
    heard,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What an agent of a test's does with the message that it gets. */
export type Think = (message: Message) => { text?: string; data?: unknown[]; asTask?: boolean };

const part = (content: NonNullable<Part['content']>): Part => ({
  content,
  metadata: undefined,
  filename: '',
  mediaType: '',
});

/** A real A2A agent, made with the server of `@a2a-js/sdk`, in either generation. Its messages are in `messages`. */
export async function startA2aAgent({
  generation = '1.0',
  think = () => ({ text: 'done' }),
}: {
  generation?: '1.0' | '0.3';
  think?: Think;
} = {}): Promise<TestServer & { messages: Message[] }> {
  const messages: Message[] = [];
  const card = {
    name: 'test agent',
    description: '',
    supportedInterfaces: [{ url: '', protocolBinding: 'JSONRPC', tenant: '', protocolVersion: generation }],
    version: '1',
    capabilities: { streaming: false, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: [],
    defaultOutputModes: [],
    skills: [],
    signatures: [],
    provider: undefined,
  } as unknown as AgentCard;
  const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), {
    execute: async ({ userMessage, taskId, contextId }, bus) => {
      messages.push(userMessage);
      const { text, data = [], asTask = false } = think(userMessage);
      const parts = [
        ...(text === undefined ? [] : [part({ $case: 'text', value: text })]),
        ...data.map((value) => part({ $case: 'data', value })),
      ];
      const message: Message = {
        messageId: `m-${messages.length}`,
        contextId,
        taskId: asTask ? taskId : '',
        role: Role.ROLE_AGENT,
        parts,
        metadata: undefined,
        extensions: [],
        referenceTaskIds: [],
      };
      const task: Task = {
        id: taskId,
        contextId,
        status: { state: TaskState.TASK_STATE_COMPLETED, message, timestamp: undefined },
        artifacts: [],
        history: [],
        metadata: undefined,
      };
      bus.publish(asTask ? AgentEvent.task(task) : AgentEvent.message(message));
      bus.finished();
    },
    cancelTask: async () => {},
  });
  const transport =
    generation === '1.0' ? new JsonRpcTransportHandler(handler) : new LegacyJsonRpcTransportHandler(handler);
  const server = await startServer(async ({ body, headers }, response) => {
    const requestedVersion = String(headers['a2a-version'] ?? '0.3');
    const answer = await transport.handle(body, new ServerCallContext({ requestedVersion }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  return { ...server, messages };
}
