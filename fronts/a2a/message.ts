import { type Message, type Part, Role } from '@a2a-js/sdk';
import { ContentTypeNotSupportedError, RequestMalformedError } from '@a2a-js/sdk/errors';
import { isObject } from '../../protocol/json.ts';
import { type Question, questionOf } from '../core/event-data.ts';
import { type Attachment, imageOf } from '../core/images.ts';
import { isText } from '../core/values.ts';
import { dataPart, textPart } from './parts.ts';

/** The longest id of a context or a message. Characters. */
export const MAX_ID = 1_024;
const YES = /^\s*(?:yes|y|ok|approved?|true)[.!]?\s*$/i;

/** @throws {RequestMalformedError} */
export function checkMessage(message: Message | undefined): Message {
  if (!message?.messageId) throw new RequestMalformedError('message.messageId is the id of the message');
  if (!isSound(message)) throw new RequestMalformedError('message: a member of it is of another type than A2A has it');
  const { messageId, contextId, role } = message;
  if (messageId.length > MAX_ID || contextId.length > MAX_ID)
    throw new RequestMalformedError(`an id has ${MAX_ID} characters at most`);
  if (role !== Role.ROLE_USER) throw new RequestMalformedError('message.role is the user');
  return message;
}

/** Whether all that is read of it, and given back, is of its type: the SDK hands over what clients of 0.3 send as it came. */
function isSound({ messageId, contextId, taskId, parts, metadata, extensions, referenceTaskIds }: Message): boolean {
  const lists = [extensions, referenceTaskIds];
  return (
    [messageId, contextId, taskId].every(isText) &&
    lists.every((list) => Array.isArray(list) && list.every(isText)) &&
    (metadata === undefined || isObject(metadata)) &&
    Array.isArray(parts) &&
    parts.every((part) => isObject(part) && isSoundPart(part as Part))
  );
}

function isSoundPart({ content, mediaType, filename, metadata }: Part): boolean {
  if (![mediaType, filename].every(isText) || !(metadata === undefined || isObject(metadata))) return false;
  if (content?.$case === 'raw') return Buffer.isBuffer(content.value);
  return content === undefined || content.$case === 'data' || isText(content.value);
}

/** What a message says. */
export function textOf({ parts }: Message): string {
  return parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join('\n');
}

/** What begins a turn. @throws {RequestMalformedError} @throws {ContentTypeNotSupportedError} */
export function promptOf(message: Message): { prompt: string; attachments?: Attachment[] } {
  const attachments = message.parts.flatMap(({ content, mediaType }) => {
    if (content?.$case === 'text') return [];
    if (content?.$case === 'raw' && mediaType.startsWith('image/'))
      return [pictureAt(`data:${mediaType};base64,${content.value.toString('base64')}`)];
    if (content?.$case === 'url' && mediaType.startsWith('image/')) return [pictureAt(content.value)];
    throw new ContentTypeNotSupportedError('a message has texts, and pictures');
  });
  const prompt = textOf(message);
  if (attachments.length > 0) return { prompt, attachments };
  if (prompt === '') throw new RequestMalformedError('a message says something');
  return { prompt };
}

function pictureAt(url: string): Attachment {
  try {
    return imageOf(url, 'message.parts');
  } catch (error) {
    throw new ContentTypeNotSupportedError((error as Error).message);
  }
}

/** A person's word on what was asked. */
export interface Word {
  /** Of the question that it answers; default: the one that was asked first. */
  approvalId: string | undefined;
  approved: boolean;
  answer: unknown;
}

/** @throws {RequestMalformedError} */
export function wordOf(message: Message): Word {
  const text = textOf(message);
  for (const { content } of message.parts) {
    if (content?.$case !== 'data' || !isObject(content.value)) continue;
    const { approved, approval_id: id, ...others } = content.value;
    if (typeof approved !== 'boolean') continue;
    const said = { ...(text === '' ? {} : { text }), ...others };
    const answer = Object.keys(said).length > 0 ? said : undefined;
    return { approvalId: isText(id) ? id : undefined, approved, answer };
  }
  if (text === '') throw new RequestMalformedError('an answer is a text, or data with "approved": true or false');
  return { approvalId: undefined, approved: YES.test(text), answer: { text } };
}

/** How a question is put. */
export function partsOfQuestion(event: Question): Part[] {
  const { name, tool, action, params, details, until } = questionOf(event);
  const said = typeof action === 'string' && tool !== undefined ? `${action} (${tool})` : name;
  const data = { approval_id: event.approval_id, tool, action, params, details, until };
  return [textPart(`May the agent go on: ${said}?`), dataPart(data)];
}
