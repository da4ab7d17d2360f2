import { isObject, isThere, type JsonObject } from '../../protocol/json.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import type { CallAnswer } from '../core/asked-calls.ts';
import { FrontError } from '../core/errors.ts';
import { calledLine, contentOf, type HistoryMessage } from '../core/history.ts';
import { type Attachment, imageOf, unsupported } from '../core/images.ts';
import { readToolDefinitions } from '../core/tool-definitions.ts';
import { resultOf } from '../core/tool-results.ts';

/** The longest id of a thread or a run. Characters. */
const MAX_RUN_ID = 1_024;

/** One message of a thread. */
export interface Message {
  id: string;
  role: string;
  content: unknown;
  /** What else it has. */
  more: JsonObject;
}

/** What a person, or a page for them, says to an interrupt. */
export interface Resumption {
  interruptId: string;
  approved: boolean;
  answer: unknown;
}

/** A `RunAgentInput`. */
export interface RunInput {
  threadId: string;
  runId: string;
  messages: readonly Message[];
  tools: ToolDefinition[];
  resume: readonly Resumption[];
  /** `state`, `context` and `forwardedProps`, where there is anything in them. */
  context: JsonObject;
}

/** @throws {FrontError} 400 */
export function readInput(body: JsonObject): RunInput {
  const { messages, tools, resume, state, context, forwardedProps } = body;
  if (!Array.isArray(messages)) throw FrontError.badRequest('messages is an array', 'messages');
  if (isThere(context) && !Array.isArray(context)) throw FrontError.badRequest('context is an array', 'context');
  return {
    threadId: readId(body, 'threadId'),
    runId: readId(body, 'runId'),
    messages: messages.map(readMessage),
    tools: readToolDefinitions(tools),
    resume: readResume(resume),
    context: Object.fromEntries(
      Object.entries({ state, context, forwardedProps }).filter(([, value]) => !isEmpty(value)),
    ),
  };
}

function readId(body: JsonObject, name: 'threadId' | 'runId'): string {
  const id = body[name];
  if (typeof id !== 'string' || id === '') throw FrontError.badRequest(`${name} is a string, and not empty`, name);
  if (id.length > MAX_RUN_ID) throw FrontError.badRequest(`${name} has ${MAX_RUN_ID} characters at most`, name);
  return id;
}

function readMessage(message: unknown, at: number): Message {
  const where = `messages[${at}]`;
  if (!isObject(message)) throw FrontError.badRequest(`${where} is an object`, where);
  const { id, role, content, ...more } = message;
  if (typeof id !== 'string') throw FrontError.badRequest(`${where}.id is a string`, where);
  if (typeof role !== 'string') throw FrontError.badRequest(`${where}.role is a string`, where);
  return { id, role, content, more };
}

function readResume(resume: unknown): Resumption[] {
  if (!isThere(resume)) return [];
  if (!Array.isArray(resume)) throw FrontError.badRequest('resume is an array', 'resume');
  return resume.map((entry, at) => {
    const where = `resume[${at}]`;
    if (!isObject(entry) || typeof entry.interruptId !== 'string')
      throw FrontError.badRequest(`${where} has an interruptId`, where);
    const { interruptId, status, payload } = entry;
    const said = isObject(payload) ? payload : {};
    return { interruptId, approved: status === 'resolved' && said.approved === true, answer: said.answer };
  });
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return !isThere(value) || (isObject(value) && Object.keys(value).length === 0);
}

/** What a message says. */
export function textOfMessage({ content }: Message): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.filter(isObject).filter(({ type, text }) => type === 'text' && typeof text === 'string');
  return texts.map(({ text }) => text).join('\n');
}

/** The pictures that go with a message. @throws {FrontError} 400 for what no agent can be sent */
export function imagesOf({ content }: Message): Attachment[] {
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).flatMap((part) => {
    if (part.type === 'text') return [];
    const { source } = part;
    if (part.type !== 'image' || !isObject(source))
      throw unsupported(
        `content of type ${JSON.stringify(String(part.type).slice(0, 64))} is not offered: text and images are`,
        'messages',
      );
    const { type, value, mimeType } = source;
    return [imageOf(type === 'data' ? `data:${mimeType};base64,${value}` : value, 'messages')];
  });
}

/** What system and developer messages say. */
export function instructionsOf(messages: readonly Message[]): string {
  return messages
    .filter(({ role }) => isInstruction(role))
    .map(textOfMessage)
    .join('\n\n');
}

const isInstruction = (role: string): boolean => role === 'system' || role === 'developer';

/** What was said besides, a message apart. */
export function historyOf(messages: readonly Message[], last: Message): HistoryMessage[] {
  return messages
    .filter((message) => message !== last && !isInstruction(message.role))
    .filter(({ role }) => role === 'user' || role === 'assistant' || role === 'tool')
    .map((message) => {
      const { toolCalls } = message.more;
      const calls = Array.isArray(toolCalls) ? toolCalls.filter(isObject) : [];
      const called = calls.map(({ function: made }) => (isObject(made) ? calledLine(made.name, made.arguments) : ''));
      return { role: message.role, content: contentOf(textOfMessage(message), called) };
    });
}

/** The results that a thread ends with, by their calls. */
export function answersOf(messages: readonly Message[]): Map<string, CallAnswer> {
  const answers = new Map<string, CallAnswer>();
  for (const message of messages.slice(messages.findLastIndex(({ role }) => role !== 'tool') + 1)) {
    const { toolCallId, error } = message.more;
    if (typeof toolCallId !== 'string') continue;
    if (typeof error === 'string' && error !== '') answers.set(toolCallId, { error });
    else answers.set(toolCallId, { result: resultOf(textOfMessage(message)) });
  }
  return answers;
}
