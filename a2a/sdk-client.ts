import type { Message, SendMessageRequest, SendMessageResult, Task } from '@a2a-js/sdk';
import { type A2aAnswer, type A2aClient, A2aError, type A2aMessage } from '../protocol/a2a-client.ts';
import { writeJson } from '../protocol/write-json.ts';
import { guardedFetch } from './guarded-fetch.ts';

type Generation = A2aAnswer['protocol'];

/** How many endpoints' generations are remembered. */
const MAX_REMEMBERED = 256;

/** What says that a peer is of another generation: method not found, version not supported. Nothing has happened there. */
const NOT_SPOKEN: ReadonlySet<number> = new Set([-32601, -32009]);

/** The packages of the SDK, brought in at the first action. */
type Sdk = typeof import('@a2a-js/sdk') & typeof import('@a2a-js/sdk/client');
let sdk: Promise<Sdk> | undefined;
async function loadSdk(): Promise<Sdk> {
  sdk ??= Promise.all([import('@a2a-js/sdk'), import('@a2a-js/sdk/client')]).then(
    ([types, client]) => ({ ...types, ...client }),
    (error: unknown) => {
      // What is missing now may be there at the next action.
      sdk = undefined;
      throw error;
    },
  );
  return sdk;
}

/**
 * Sends actions with the client of `@a2a-js/sdk`, as JSON-RPC, to the endpoint itself: no agent card is asked for, so
 * nothing that a card names is ever called. A peer that does not know `SendMessage` gets `message/send` of A2A 0.3.
 */
export class SdkA2aClient implements A2aClient {
  readonly #generations = new Map<string, Generation>();

  async send(message: A2aMessage): Promise<A2aAnswer> {
    const first = this.#generations.get(message.endpoint) ?? '1.0';
    try {
      return await this.#send(message, first);
    } catch (error) {
      if (!(error instanceof NotSpokenError)) throw error;
    }
    // It may have been replaced by one of the other generation since it answered.
    this.#generations.delete(message.endpoint);
    try {
      return await this.#send(message, first === '1.0' ? '0.3' : '1.0');
    } catch (error) {
      throw toA2aError(error);
    }
  }

  async #send(message: A2aMessage, protocol: Generation): Promise<A2aAnswer> {
    const loaded = await loadSdk();
    const { traceparent, headers } = message;
    const fetchGuarded = guardedFetch(traceparent ? { ...message, headers: { traceparent, ...headers } } : message);
    const exchange: { code?: number | undefined; failure?: unknown } = {};
    const fetchImpl: typeof fetch = async (input, init) => {
      try {
        const response = await fetchGuarded(input, init);
        const body = await response.text();
        exchange.code = codeOf(body);
        return new Response(body, { status: response.status, headers: response.headers });
      } catch (error) {
        // The SDK may wrap it.
        exchange.failure = error;
        throw error;
      }
    };
    const factory = new loaded.JsonRpcTransportFactory({ fetchImpl, legacyCompat: { enabled: true } });
    const transport = await factory.create(message.endpoint, cardOf(message.endpoint, protocol));
    const client = new loaded.Client(transport, cardOf(message.endpoint, protocol));
    let result: SendMessageResult;
    try {
      result = await client.sendMessage(toRequest(message, loaded), { signal: message.signal });
    } catch (error) {
      if (exchange.failure) throw exchange.failure;
      if (exchange.code === undefined) throw new A2aError('invalid_answer', 'the answer is none of A2A');
      if (NOT_SPOKEN.has(exchange.code)) throw new NotSpokenError();
      const said = error instanceof Error ? error.message : '';
      throw new A2aError('rejected', `the agent answered with error ${exchange.code}: ${said}`);
    }
    this.#remember(message.endpoint, protocol);
    return 'messageId' in result ? fromMessage(result, protocol, loaded) : fromTask(result, protocol, loaded);
  }

  #remember(endpoint: string, protocol: Generation): void {
    this.#generations.delete(endpoint);
    this.#generations.set(endpoint, protocol);
    const [oldest] = this.#generations.keys();
    if (this.#generations.size > MAX_REMEMBERED && oldest !== undefined) this.#generations.delete(oldest);
  }
}

class NotSpokenError extends Error {}

function toA2aError(error: unknown): unknown {
  return error instanceof NotSpokenError
    ? new A2aError('rejected', 'the agent knows neither SendMessage nor message/send')
    : error;
}

/** The code of a JSON-RPC error, where the body is one. */
function codeOf(body: string): number | undefined {
  try {
    const code = (JSON.parse(body) as { error?: { code?: unknown } } | null)?.error?.code;
    return typeof code === 'number' ? code : undefined;
  } catch {
    return undefined;
  }
}

/** What the SDK wants to know of a peer, as far as it is known without asking. */
function cardOf(url: string, protocolVersion: Generation) {
  return {
    name: 'endpoint',
    description: '',
    supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', tenant: '', protocolVersion }],
    provider: undefined,
    version: '',
    capabilities: undefined,
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: [],
    defaultOutputModes: [],
    skills: [],
    signatures: [],
  };
}

function toRequest({ messageId, taskId, contextId, action }: A2aMessage, { Role }: Sdk): SendMessageRequest {
  // The SDK knows no integers but JavaScript's: of longer ones the last digits are rounded.
  const rounded: unknown = JSON.parse(writeJson(action));
  const data = { $case: 'data', value: { a2uiAction: rounded } } as const;
  return {
    tenant: '',
    message: {
      messageId,
      taskId: taskId ?? '',
      contextId: contextId ?? '',
      role: Role.ROLE_USER,
      parts: [{ content: data, metadata: undefined, filename: '', mediaType: '' }],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: undefined,
    metadata: undefined,
  };
}

function fromMessage(message: Message, protocol: Generation, { Message }: Sdk): A2aAnswer {
  const { taskId, contextId } = message;
  const payload = Message.toJSON(message);
  return { protocol, taskId: taskId || undefined, contextId: contextId || undefined, text: textOf(message), payload };
}

function fromTask(task: Task, protocol: Generation, { Task, taskStateToJSON }: Sdk): A2aAnswer {
  const { id, contextId, status } = task;
  return {
    protocol,
    taskId: id || undefined,
    contextId: contextId || undefined,
    state: status ? taskStateToJSON(status.state) : undefined,
    text: status?.message ? textOf(status.message) : undefined,
    payload: Task.toJSON(task),
  };
}

function textOf({ parts }: Message): string | undefined {
  const texts = parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : []));
  return texts.length > 0 ? texts.join('\n') : undefined;
}
