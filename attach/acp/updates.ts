import type { AgentEvent } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';
import { MAX_WHOLE_BYTES } from '../process/lines.ts';
import { bareCall, OpenCalls } from './open-calls.ts';

type Update = Record<string, unknown>;

/** Longest name of a kind of update that is passed on. */
const MAX_NAME = 64;

/** Makes of an agent's updates of one prompt the events of a turn (`docs/agents.md`). Whatever an update holds, it does not throw. */
export class Updates {
  readonly calls: OpenCalls;
  readonly #emit: (event: string | AgentEvent, bytes: number) => void;
  readonly #text = { token: new Joint(), reasoning: new Joint() };

  /** @param emit takes what comes of it: text of the answer as a string. @param bytes about how large it is. */
  constructor(emit: (event: string | AgentEvent, bytes: number) => void) {
    this.#emit = emit;
    this.calls = new OpenCalls((event, bytes) => emit(event, bytes));
  }

  /** @param bytes its size as it came. */
  update(update: Update, bytes: number): void {
    const { sessionUpdate: kind } = update;
    if (kind === 'user_message_chunk' || typeof kind !== 'string') return;
    // What is left of it has no long texts any more.
    const isCut = bytes > MAX_WHOLE_BYTES;
    if (isCut) this.#leftOut(kind, bytes);
    if (kind === 'tool_call' || kind === 'tool_call_update') {
      this.#text.token.interrupted();
      this.calls.update(isCut ? bareCall(update) : update, isCut ? 0 : bytes);
    } else if (isCut) return;
    else if (kind === 'agent_message_chunk') this.#chunk('token', update, bytes);
    else if (kind === 'agent_thought_chunk') this.#chunk('reasoning', update, bytes);
    else this.#emit(eventOf(kind, update), bytes);
  }

  /** Usage as the answer to a prompt has it. */
  usage(usage: unknown): void {
    if (!isObject(usage)) return;
    const count = (name: string) => countOf(usage[name]);
    const [input, output, total] = [count('inputTokens'), count('outputTokens'), count('totalTokens')];
    const event = {
      ...(input !== undefined && { input_tokens: input }),
      ...(output !== undefined && { output_tokens: output }),
      ...(total !== undefined && { total_tokens: total }),
    };
    if (Object.keys(event).length > 0) this.#emit({ kind: 'usage', ...event }, 0);
  }

  #chunk(kind: 'token' | 'reasoning', { content, messageId }: Update, bytes: number): void {
    if (!isObject(content)) return;
    const joint = this.#text[kind];
    if (content.type !== 'text') {
      joint.interrupted();
      this.#emit({ kind: 'content', content }, bytes);
      return;
    }
    if (typeof content.text !== 'string' || content.text === '') return;
    const text = joint.join(content.text, messageId);
    for (let at = 0; at < text.length; at += MAX_TEXT) {
      const delta = text.length <= MAX_TEXT ? text : text.slice(at, at + MAX_TEXT);
      this.#emit(kind === 'token' ? delta : { kind, delta }, delta.length);
    }
  }

  #leftOut(what: string, bytes: number): void {
    const title = `an update (${what.slice(0, MAX_NAME)}) of ${bytes} bytes is left out: it is too large`;
    this.#emit({ kind: 'notice', severity: 'warning', title }, 0);
  }
}

/** What an update is as an event, but for text and tool calls. */
function eventOf(kind: string, update: Update): AgentEvent {
  if (kind === 'plan') return { kind: 'todos', todos: todosOf(update.entries) };
  if (kind === 'usage_update') return { kind: 'usage', ...contextUsage(update) };
  if (kind === 'notice') return { kind: 'notice', ...noticeOf(update) };
  const { sessionUpdate, ...fields } = update;
  return { ...fields, kind: `acp.${kind.slice(0, MAX_NAME)}` };
}

/** Longest piece of text in one event. Characters. */
const MAX_TEXT = 64 * 1024;

/** Puts the pieces of a text together as a person would read them: what is another message begins a paragraph. */
class Joint {
  #messageId: unknown;
  #isInterrupted = false;
  #isBegun = false;
  #endsInSpace = false;

  /** Something else was said in between. */
  interrupted(): void {
    this.#isInterrupted = true;
  }

  join(text: string, messageId: unknown): string {
    const isAnother = messageId != null && this.#messageId != null && messageId !== this.#messageId;
    const breaks = this.#isBegun && !this.#endsInSpace && (isAnother || this.#isInterrupted);
    this.#messageId = messageId ?? this.#messageId;
    this.#isInterrupted = false;
    this.#isBegun = true;
    this.#endsInSpace = /\s$/.test(text.slice(-1));
    return breaks ? `\n\n${text}` : text;
  }
}

function todosOf(entries: unknown): object[] {
  if (!Array.isArray(entries)) return [];
  return entries.filter(isObject).map(({ content, status, priority }) => ({
    content: String(content ?? ''),
    status: status === 'completed' || status === 'in_progress' ? status : 'pending',
    ...(typeof priority === 'string' && { priority }),
  }));
}

/** A number of tokens; undefined where it is none. */
const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

function contextUsage({ used, size, cost }: Update): object {
  return {
    ...(countOf(used) !== undefined && { context_used: used }),
    ...(countOf(size) !== undefined && { context_size: size }),
    ...(isObject(cost) && { cost }),
  };
}

function noticeOf({ severity, title, description }: Update): object {
  return {
    severity: severity === 'warning' || severity === 'error' ? severity : 'info',
    title: String(title ?? ''),
    ...(typeof description === 'string' && { description }),
  };
}
