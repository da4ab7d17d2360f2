import type { Conversation } from './conversation.ts';

const drafts = new WeakMap<Conversation, string>();

/** Puts a text where the person writes in a chat that is not drawn yet. */
export function leaveDraft(conversation: Conversation, text: string): void {
  drafts.set(conversation, text);
}

/** Takes it: it is put there once. */
export function takeDraft(conversation: Conversation): string | undefined {
  const text = drafts.get(conversation);
  drafts.delete(conversation);
  return text;
}
