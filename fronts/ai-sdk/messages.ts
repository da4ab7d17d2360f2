import { exactJson } from '../../client/node.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { CallAnswer } from '../core/asked-calls.ts';
import { FrontError } from '../core/errors.ts';
import { calledLine, contentOf, type HistoryMessage } from '../core/history.ts';
import { type Attachment, imageOf, unsupported } from '../core/images.ts';

/** The longest id of a message. Characters. */
const MAX_MESSAGE_ID = 1_024;

/** One `UIMessage`. */
export interface UiMessage {
  id: string;
  role: 'system' | 'user' | 'assistant';
  parts: readonly JsonObject[];
}

/** A person's word on an approval. */
export interface Word {
  approved: boolean;
  reason: string | undefined;
}

const isRole = (role: unknown): role is UiMessage['role'] =>
  role === 'system' || role === 'user' || role === 'assistant';
const isTool = ({ type }: JsonObject): boolean =>
  type === 'dynamic-tool' || (typeof type === 'string' && type.startsWith('tool-'));

/** @throws {FrontError} 400 */
export function readMessages(messages: unknown): UiMessage[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw FrontError.badRequest('messages is an array, and not empty', 'messages');
  return messages.map((message, at) => {
    const where = `messages[${at}]`;
    if (!isObject(message)) throw FrontError.badRequest(`${where} is an object`, where);
    const { id = '', role, parts } = message;
    if (typeof id !== 'string' || id.length > MAX_MESSAGE_ID)
      throw FrontError.badRequest(`${where}.id is a string of ${MAX_MESSAGE_ID} characters at most`, where);
    if (!isRole(role)) throw FrontError.badRequest(`${where}.role is system, user or assistant`, where);
    if (!Array.isArray(parts) || !parts.every(isObject))
      throw FrontError.badRequest(`${where}.parts is an array of objects`, where);
    return { id, role, parts };
  });
}

/** What a message says. */
export function textOfMessage({ parts }: UiMessage): string {
  const texts = parts.filter(({ type, text }) => type === 'text' && typeof text === 'string');
  return texts.map(({ text }) => text).join('\n');
}

/** The pictures that go with a message. @throws {FrontError} 400 for a file that is none */
export function imagesOf({ parts }: UiMessage, where: string): Attachment[] {
  const files = parts.filter(({ type }) => type === 'file');
  return files.map(({ mediaType, url }) => {
    if (typeof mediaType !== 'string' || !mediaType.startsWith('image/'))
      throw unsupported(
        `a file of type ${JSON.stringify(String(mediaType).slice(0, 64))} is not offered: images are`,
        where,
      );
    return imageOf(url, where);
  });
}

/** What system messages say. */
export function instructionsOf(messages: readonly UiMessage[]): string {
  return messages
    .filter(({ role }) => role === 'system')
    .map(textOfMessage)
    .join('\n\n');
}

/** What was said before the last message. */
export function historyOf(messages: readonly UiMessage[]): HistoryMessage[] {
  return messages
    .slice(0, -1)
    .filter(({ role }) => role !== 'system')
    .map((message) => ({ role: message.role, content: contentOf(textOfMessage(message), besides(message)) }));
}

function besides({ parts }: UiMessage): string[] {
  return parts.flatMap((part) => {
    if (part.type === 'file') return ['[file]'];
    if (!isTool(part) || part.providerExecuted === true) return [];
    const name = part.type === 'dynamic-tool' ? part.toolName : String(part.type).slice('tool-'.length);
    return [calledLine(name, exactJson.stringify(part.input ?? {}))];
  });
}

/** The calls that a message answers, by their ids. */
export function answersIn({ parts }: UiMessage): Map<string, CallAnswer> {
  const answers = new Map<string, CallAnswer>();
  for (const { toolCallId: id, state, output, errorText } of parts.filter(isTool)) {
    if (typeof id !== 'string') continue;
    if (state === 'output-available') answers.set(id, { result: output ?? null });
    else if (state === 'output-error')
      answers.set(id, { error: typeof errorText === 'string' && errorText !== '' ? errorText : 'the tool failed' });
  }
  return answers;
}

/** The approvals that a message decides, by their ids. */
export function wordsIn({ parts }: UiMessage): Map<string, Word> {
  const words = new Map<string, Word>();
  for (const { approval } of parts.filter(isTool)) {
    if (!isObject(approval)) continue;
    const { id, approved, reason } = approval;
    if (typeof id === 'string' && typeof approved === 'boolean')
      words.set(id, { approved, reason: typeof reason === 'string' ? reason : undefined });
  }
  return words;
}
