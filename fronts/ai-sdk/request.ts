import type { JsonObject } from '../../protocol/json.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import { FrontError } from '../core/errors.ts';
import { readToolDefinitions } from '../core/tool-definitions.ts';
import { readMessages, type UiMessage } from './messages.ts';

/** The longest id of a chat. Characters. */
const MAX_CHAT_ID = 1_024;

/** What a `DefaultChatTransport` sends. */
export interface Ask {
  chatId: string;
  messages: readonly UiMessage[];
  last: UiMessage;
  /** The window's own, which the agent may call. */
  tools: ToolDefinition[];
  /** Whether something that was said is taken back: a message was edited, or is to be answered anew. */
  isRewound: boolean;
}

/** @throws {FrontError} 400 */
export function readAsk({ id, messages: given, trigger, messageId, tools }: JsonObject): Ask {
  if (typeof id !== 'string' || id === '') throw FrontError.badRequest('id is the id of the chat', 'id');
  if (id.length > MAX_CHAT_ID) throw FrontError.badRequest(`id has ${MAX_CHAT_ID} characters at most`, 'id');
  const messages = readMessages(given);
  const last = messages.at(-1) as UiMessage;
  if (last.role === 'system')
    throw FrontError.badRequest('the last message is a user’s or the assistant’s', 'messages');
  const isEdited = last.role === 'user' && typeof messageId === 'string' && messageId === last.id;
  return {
    chatId: id,
    messages,
    last,
    tools: readToolDefinitions(tools),
    isRewound: trigger === 'regenerate-message' || isEdited,
  };
}
