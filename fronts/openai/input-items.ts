import { isObject, type JsonObject } from '../../protocol/json.ts';
import { FrontError } from '../core/errors.ts';
import type { Message } from './messages.ts';
import { readContent } from './parts.ts';

/** What the `input` of a response says. */
export interface Input {
  messages: Message[];
  /** Ids of answers that it repeats by name alone. */
  references: string[];
}

const ROLES: ReadonlyMap<unknown, Message['role']> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
]);

/**
 * Reads the `input` of a response: a text, or items. An answer is several of them there, and one message here: what it was
 * when it was given. Items of a model's own (its reasoning, searches …) are left out.
 * @throws {FrontError} 400 that names what is wrong
 */
export function readInput(input: unknown): Input {
  if (typeof input === 'string' && input !== '')
    return { messages: [{ role: 'user', text: input, images: [], calls: [] }], references: [] };
  if (!Array.isArray(input) || input.length === 0)
    throw FrontError.badRequest('input is a text or an array of items, and not empty', 'input');
  const messages: Message[] = [];
  const references: string[] = [];
  for (const [at, item] of input.entries()) {
    const where = `input[${at}]`;
    if (!isObject(item)) throw FrontError.badRequest(`${where} is an object`, where);
    if (item.type === 'item_reference') references.push(String(item.id));
    else add(messages, readItem(item, where));
  }
  return { messages, references };
}

/** What the assistant said in one go, and called, is one message. */
function add(messages: Message[], message: Message | undefined): void {
  const last = messages.at(-1);
  if (message?.role === 'assistant' && last?.role === 'assistant') {
    last.text += message.text;
    last.calls.push(...message.calls);
  } else if (message) messages.push(message);
}

function readItem(item: JsonObject, where: string): Message | undefined {
  const { type = 'message', role, call_id: callId, name, output } = item;
  if (type === 'function_call') {
    const made = { id: textOr(callId), name: textOr(name), arguments: textOr(item.arguments) };
    return { role: 'assistant', text: '', images: [], calls: [made] };
  }
  if (type === 'function_call_output')
    return { role: 'tool', ...readContent(output, `${where}.output`), calls: [], callId: textOr(callId) };
  if (type !== 'message') return undefined;
  const known = ROLES.get(role);
  if (!known) throw FrontError.badRequest(`${where}.role is system, developer, user or assistant`, where);
  return { role: known, ...readContent(item.content, `${where}.content`), calls: [] };
}

const textOr = (value: unknown): string => (typeof value === 'string' ? value : '');
