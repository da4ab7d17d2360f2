import { signal } from '@preact/signals';
import { Conversation } from './conversation.ts';

/** How many conversations stand side by side at most: each holds its texts and frames. */
export const MAX_CONVERSATIONS = 12;

/** The conversations of this page, from left to right. They stay when another tab is shown. */
export const conversations = signal<readonly Conversation[]>([]);

/** Opens one more, with an agent where one is meant. Undefined where there are too many. */
export function openConversation(agentId?: string): Conversation | undefined {
  if (conversations.value.length >= MAX_CONVERSATIONS) return undefined;
  const conversation = new Conversation();
  if (agentId !== undefined) conversation.agentId.value = agentId;
  conversations.value = [...conversations.value, conversation];
  return conversation;
}

/** Closes one; its turn is cancelled. */
export function closeConversation(conversation: Conversation): void {
  conversation.close();
  conversations.value = conversations.value.filter((other) => other !== conversation);
}
