import { readFile, stat } from 'node:fs/promises';
import type { AgentEvent, Turn } from '../../client/node.ts';
import type { AttachContext, Attached } from '../attached.ts';
import { secretIn } from '../secret.ts';
import { type Completion, complete, ModelError, type ModelServer, type Usage } from './completion.ts';
import { before, type ChatMessage, userMessage } from './messages.ts';
import { ModelTools, type WantedCall } from './model-tools.ts';
import type { OpenaiSettings } from './settings.ts';
import { Transcripts } from './transcripts.ts';

/** What a turn may have the model told of, the conversation before among it. Characters of JSON. */
const MAX_TOLD = 16 * 1024 * 1024;

/** Longest file that `--system @FILE` names. Bytes. */
const MAX_SYSTEM_BYTES = 1024 * 1024;

/** What a turn ends with, by a model's own word. What is not here is `stop`. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['length', 'length'],
  ['content_filter', 'refusal'],
]);

/** A model as an agent: it is told what was said before, and uses the tools of whoever talks to it. */
export class ModelAgent implements Attached {
  readonly #settings: OpenaiSettings;
  readonly #context: AttachContext;
  readonly #transcripts: Transcripts;
  readonly #server: ModelServer;
  #system: string | undefined;

  constructor(settings: OpenaiSettings, context: AttachContext) {
    this.#settings = settings;
    this.#context = context;
    this.#transcripts = new Transcripts(settings.keep);
    this.#server = { base: settings.openai.replace(/\/+$/, ''), key: undefined };
  }

  async start(): Promise<void> {
    const { model, system, 'key-env': name } = this.#settings;
    if (name !== undefined) this.#server.key = secretIn(this.#context.env, name, 'key');
    this.#system = system?.startsWith('@') ? await readText(system.slice(1)) : system;
    this.#context.report({ what: `${model} at ${new URL(this.#server.base).host}` });
  }

  async *onChat(turn: Turn): AsyncGenerator<AgentEvent> {
    try {
      yield* this.#answer(turn);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.#context.log.warn({ turn_id: turn.turnId, reason: error.message }, 'a model failed');
      yield error.needsKey
        ? { kind: 'auth_required', reason: 'agent', message: this.#keyWords(error) }
        : { kind: 'error', error: error.message, code: 'model_error', retryable: error.retryable };
    }
  }

  async close(): Promise<void> {}

  async *#answer(turn: Turn): AsyncGenerator<AgentEvent> {
    const { params, sessionId, signal } = turn;
    const known = this.#transcripts.get(sessionId);
    const { instructions, history } = known
      ? { instructions: known.instructions, history: known.messages }
      : before(params);
    const messages: ChatMessage[] = [...history, userMessage(params)];
    const system = [this.#system, instructions].flatMap((text) => (text === undefined ? [] : [systemMessage(text)]));
    const tools = new ModelTools(turn);
    const spent = new Spent();
    let finishReason = 'max_turns';
    for (let step = 0; step < this.#settings['max-steps']; step++) {
      if (lengthOf(messages) > MAX_TOLD)
        throw new ModelError('what the model is to be told has become too long', false);
      const request = {
        model: params.model ?? this.#settings.model,
        messages: [...system, ...messages],
        tools: tools.definitions,
      };
      const pieces = complete(this.#server, request, signal);
      let next: Awaited<ReturnType<typeof pieces.next>>;
      try {
        for (next = await pieces.next(); !next.done; next = await pieces.next())
          yield next.value.kind === 'usage' ? spent.with(next.value.usage) : next.value;
      } finally {
        // Whoever reads no more lets go of the answer.
        await pieces.return(undefined as never);
      }
      spent.settle();
      const { value } = next;
      messages.push(...assistantMessage(value));
      // What was cut off, or taken back, is no call to make.
      const isCut = FINISH_REASONS.has(value.finishReason);
      if (isCut || value.calls.length === 0) {
        finishReason = FINISH_REASONS.get(value.finishReason) ?? 'stop';
        break;
      }
      messages.push(...(await this.#callAll(tools, value.calls)));
    }
    signal.throwIfAborted();
    // Only a turn that came to its end is part of what was said.
    this.#transcripts.put(sessionId, { instructions, messages });
    yield { kind: 'done', finish_reason: finishReason };
  }

  #callAll(tools: ModelTools, calls: readonly WantedCall[]): Promise<ChatMessage[]> {
    return Promise.all(
      calls.map(async (call) => ({ role: 'tool' as const, tool_call_id: call.id, content: await tools.call(call) })),
    );
  }

  #keyWords({ message }: ModelError): string {
    const { 'key-env': name } = this.#settings;
    return name === undefined
      ? `${message}: it needs one, of which --key-env names the variable`
      : `${message} that is in ${name}`;
  }
}

/** About what messages take. */
const lengthOf = (messages: readonly ChatMessage[]): number =>
  messages.reduce((sum, { content, tool_calls }) => sum + partOf(content) + partOf(tool_calls), 0);

const partOf = (value: unknown): number =>
  typeof value === 'string' ? value.length : (JSON.stringify(value) ?? '').length;

const systemMessage = (content: string): ChatMessage => ({ role: 'system', content });

/** What the model said, as it is told of later. A call that it gave no id has one of ours, in both places. */
function assistantMessage({ text, calls, finishReason }: Completion): ChatMessage[] {
  if (FINISH_REASONS.has(finishReason) || calls.length === 0)
    return text === '' ? [] : [{ role: 'assistant', content: text }];
  for (const [at, call] of calls.entries()) call.id ||= `call_${at}`;
  const tool_calls = calls.map(({ id, name, args }) => ({
    id,
    type: 'function',
    // Some servers read their own models' arguments, and fail where those are none.
    function: { name, arguments: isJson(args) ? args : '{}' },
  }));
  return [{ role: 'assistant', content: text === '' ? null : text, tool_calls }];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a turn has cost so far, over all that the model was asked. */
class Spent {
  #before: Usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
  #now = this.#before;

  /** With what the answer that runs has cost so far: the last word counts. */
  with(usage: Usage): AgentEvent {
    this.#now = {
      input_tokens: this.#before.input_tokens + usage.input_tokens,
      output_tokens: this.#before.output_tokens + usage.output_tokens,
      total_tokens: this.#before.total_tokens + usage.total_tokens,
    };
    return { kind: 'usage', ...this.#now };
  }

  /** That answer is over. */
  settle(): void {
    this.#before = this.#now;
  }
}

async function readText(path: string): Promise<string> {
  const file = await stat(path).catch((error) => {
    throw new Error(`the system prompt in ${path} cannot be read: ${error.code}`);
  });
  if (!file.isFile() || file.size > MAX_SYSTEM_BYTES)
    throw new Error(`the system prompt in ${path} is no file of at most ${MAX_SYSTEM_BYTES} bytes`);
  return readFile(path, 'utf8');
}
