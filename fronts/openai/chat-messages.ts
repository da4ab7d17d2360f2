import { isObject, type JsonObject } from '../../protocol/json.ts';
import { FrontError } from '../core/errors.ts';
import type { Message, MessageCall } from './messages.ts';
import { readContent } from './parts.ts';

const ROLES: ReadonlyMap<unknown, Message['role']> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
  ['function', 'tool'],
]);

/** Reads `messages` of a chat completion. @throws {FrontError} 400 that names what is wrong */
export function readChatMessages(messages: unknown): Message[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw FrontError.badRequest('messages is an array, and not empty', 'messages');
  return messages.map((message, at) => readMessage(message, `messages[${at}]`));
}

function readMessage(message: unknown, where: string): Message {
  if (!isObject(message)) throw FrontError.badRequest(`${where} is an object`, where);
  const role = ROLES.get(message.role);
  if (!role) throw FrontError.badRequest(`${where}.role is system, developer, user, assistant or tool`, where);
  const content = readContent(message.content, `${where}.content`);
  const calls = role === 'assistant' ? readCalls(message.tool_calls, `${where}.tool_calls`) : [];
  return { role, ...content, calls, ...(role === 'tool' ? { callId: textOr(message.tool_call_id, '') } : {}) };
}

function readCalls(calls: unknown, where: string): MessageCall[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw FrontError.badRequest(`${where} is an array`, where);
  return calls.filter(isObject).map((call: JsonObject) => {
    const made = isObject(call.function) ? call.function : {};
    return { id: textOr(call.id, ''), name: textOr(made.name, ''), arguments: textOr(made.arguments, '') };
  });
}

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
