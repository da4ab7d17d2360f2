import { unread } from '../../protocol/frame-scan.ts';
import { unwritable } from '../../protocol/json.ts';
import { dataOf } from '../sse.ts';
import { messageOf } from '../words.ts';
import type { ChatMessage } from './messages.ts';
import type { WantedCall } from './model-tools.ts';

/** What one answer of a model may hold, in UTF-16 units, and how many calls. */
const MAX_ANSWER = 4 * 1024 * 1024;
const MAX_CALLS = 128;
/** How much of a server's own words is told, and of an answer that is an error is read. Characters, bytes. */
const MAX_WORDS = 500;
const MAX_ERROR_BYTES = 64 * 1024;

/** The model's server failed, or what it sent cannot be read. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly retryable: boolean;
  /** It wants a key, or another one. */
  readonly needsKey: boolean;

  constructor(message: string, retryable: boolean, needsKey = false) {
    super(message);
    this.retryable = retryable;
    this.needsKey = needsKey;
  }
}

/** Where a model is. */
export interface ModelServer {
  /** Without a slash at its end. */
  base: string;
  key: string | undefined;
}

/** What is asked of it. */
export interface CompletionRequest {
  model: string;
  messages: readonly ChatMessage[];
  tools: readonly object[] | undefined;
}

/** A piece of an answer, as it comes. */
export type Piece =
  | { kind: 'token'; delta: string }
  | { kind: 'reasoning'; delta: string }
  | { kind: 'usage'; usage: Usage };

/** What an answer has cost. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
}

/** A whole answer. */
export interface Completion {
  text: string;
  finishReason: string;
  calls: WantedCall[];
}

/**
 * Asks a model once, streamed.
 * @returns the whole, once all its pieces were given.
 * @throws {ModelError} @throws the signal's reason
 */
export async function* complete(
  server: ModelServer,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<Piece, Completion> {
  const response = await ask(server, request, signal);
  const answer = new Answer(server.key);
  try {
    if (/^application\/json\b/i.test(response.headers.get('content-type') ?? ''))
      // A server that does not stream.
      yield* answer.take(await textOf(response, MAX_ANSWER));
    else
      for await (const data of dataOf(response.body ?? empty())) {
        if (data.trim() === '[DONE]') break;
        yield* answer.take(data);
      }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelError) throw error;
    throw new ModelError(`the model's answer broke off: ${reasonOf(error)}`, true);
  }
  return answer.end();
}

async function ask(server: ModelServer, request: CompletionRequest, signal: AbortSignal): Promise<Response> {
  const { model, messages, tools } = request;
  const body = JSON.stringify({
    model,
    messages,
    ...(tools ? { tools } : {}),
    stream: true,
    stream_options: { include_usage: true },
  });
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    ...(server.key === undefined ? {} : { authorization: `Bearer ${server.key}` }),
  };
  let response: Response;
  try {
    // A redirect is not followed: it would take the key along.
    const options = { method: 'POST', headers, body, signal, redirect: 'manual' } as const;
    response = await fetch(`${server.base}/chat/completions`, options);
  } catch (error) {
    signal.throwIfAborted();
    throw new ModelError(`the model's server cannot be reached: ${reasonOf(error)}`, true);
  }
  if (response.ok) return response;
  throw await refusal(server, response);
}

async function refusal({ key }: ModelServer, response: Response): Promise<ModelError> {
  const { status } = response;
  const text = await textOf(response, MAX_ERROR_BYTES).catch(() => '');
  // Servers name the key that was wrong, or a part of it.
  if (status === 401 || status === 403)
    return new ModelError(`the model's server refused the key (${status})`, false, true);
  const words = wordsOf(text, key);
  return new ModelError(
    `the model's server answered ${status}${words === '' ? '' : `: ${words}`}`,
    status === 429 || status >= 500,
  );
}

/** What a server says went wrong. Never the key. */
function wordsOf(text: string, key: string | undefined): string {
  let words: unknown = text;
  try {
    const { error, message } = Object(unread(text) ? undefined : JSON.parse(text));
    words = Object(error).message ?? (typeof error === 'string' ? error : message) ?? text;
  } catch {
    // In its own words, then.
  }
  const line = messageOf(String(words));
  return (key ? line.replaceAll(key, '…') : line).slice(0, MAX_WORDS);
}

/** @throws {ModelError} longer than that */
async function textOf(response: Response, most: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body ?? empty()) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > most) throw new ModelError('the model’s answer is too long', false);
  }
  return text;
}

async function* empty(): AsyncGenerator<Uint8Array> {}

/** fetch says of most things that it failed, and why in its cause. */
function reasonOf(error: unknown): string {
  const { cause } = Object(error);
  return messageOf(
    cause instanceof Error && (cause.message || 'code' in cause) ? cause.message || String(Object(cause).code) : error,
  );
}

/** An answer that is put together of chunks. */
class Answer {
  #text = '';
  #size = 0;
  #finishReason: string | undefined;
  /** By `index`, else by the model's `id`. */
  readonly #calls = new Map<string, WantedCall>();
  #lastCall: WantedCall | undefined;
  readonly #key: string | undefined;

  /** @param key never to be told. */
  constructor(key: string | undefined) {
    this.#key = key;
  }

  *take(data: string): Generator<Piece> {
    const chunk = read(data, this.#key);
    const { choices, usage } = chunk;
    const choice = Object(Array.isArray(choices) ? choices[0] : undefined);
    const { finish_reason: finishReason } = choice;
    // Some servers say "" until they know.
    if (typeof finishReason === 'string' && finishReason !== '') this.#finishReason = finishReason;
    const delta = Object(choice.delta ?? choice.message);
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (typeof reasoning === 'string' && reasoning !== '') {
      this.#grow(reasoning.length);
      yield { kind: 'reasoning', delta: reasoning };
    }
    const text = delta.content;
    if (typeof text === 'string' && text !== '') {
      this.#grow(text.length);
      this.#text += text;
      yield { kind: 'token', delta: text };
    }
    if (typeof delta.refusal === 'string' && delta.refusal !== '') {
      this.#grow(delta.refusal.length);
      this.#text += delta.refusal;
      yield { kind: 'token', delta: delta.refusal };
    }
    if (Array.isArray(delta.tool_calls)) for (const part of delta.tool_calls) this.#join(Object(part));
    const cost = usageOf(usage);
    if (cost) yield { kind: 'usage', usage: cost };
  }

  /** @throws {ModelError} it was cut off */
  end(): Completion {
    if (this.#finishReason === undefined)
      throw new ModelError("the model's answer broke off: it ended without a finish_reason", true);
    return { text: this.#text, finishReason: this.#finishReason, calls: [...this.#calls.values()] };
  }

  #join(part: { index?: unknown; id?: unknown; function?: unknown }): void {
    const { name, arguments: args } = Object(part.function);
    const id = typeof part.id === 'string' ? part.id : '';
    const call = this.#callOf(
      typeof part.index === 'number' ? `#${part.index}` : undefined,
      id,
      typeof name === 'string',
    );
    if (id !== '') call.id = id;
    // A name comes whole, and from some servers with each fragment.
    if (typeof name === 'string' && name !== '') call.name = name;
    const text = typeof args === 'string' ? args : args === undefined || args === null ? '' : JSON.stringify(args);
    this.#grow(text.length);
    call.args += text;
    this.#lastCall = call;
  }

  /** Without an index it is the call of that id; without either the one before, unless it begins with a name. */
  #callOf(index: string | undefined, id: string, hasName: boolean): WantedCall {
    const key = index ?? (id === '' ? undefined : `=${id}`);
    if (key === undefined && this.#lastCall && !hasName) return this.#lastCall;
    const found = key === undefined ? undefined : this.#calls.get(key);
    if (found) return found;
    if (this.#calls.size === MAX_CALLS)
      throw new ModelError(`the model asks for more than ${MAX_CALLS} calls at once`, false);
    const call = { id, name: '', args: '' };
    this.#calls.set(key ?? `+${this.#calls.size}`, call);
    return call;
  }

  #grow(by: number): void {
    this.#size += by;
    if (this.#size > MAX_ANSWER) throw new ModelError('the model’s answer is too long', false);
  }
}

/** One chunk. @throws {ModelError} it is none, or an error */
function read(data: string, key: string | undefined): { choices?: unknown; usage?: unknown } {
  const refused = unread(data)?.reason;
  if (refused !== undefined) throw unreadable(refused);
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new ModelError("the model's server sent what is no JSON", true);
  }
  const unfit = unwritable(chunk);
  if (unfit !== undefined) throw unreadable(unfit);
  const { error } = Object(chunk);
  if (error === undefined || error === null) return Object(chunk);
  const status = Number(Object(error).code);
  const isOurs = status >= 400 && status < 500 && status !== 429;
  throw new ModelError(`the model failed: ${wordsOf(JSON.stringify({ error }), key)}`, !isOurs);
}

const unreadable = (reason: string) => new ModelError(`the model's answer cannot be read: ${reason}`, false);

function usageOf(usage: unknown): Usage | undefined {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = Object(usage);
  if (!Number.isSafeInteger(input) || !Number.isSafeInteger(output)) return undefined;
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: Number.isSafeInteger(total) ? total : input + output,
  };
}
