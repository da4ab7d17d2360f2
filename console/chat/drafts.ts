import type { Conversation } from './conversation.ts';

/** What stands where the person writes. */
interface Draft {
  text: string;
  /** Whether it has been put there for them: they go on there. */
  isNew: boolean;
}

const drafts = new WeakMap<Conversation, Draft>();

/** Puts a text where the person writes in a chat that is not drawn yet. */
export function leaveDraft(conversation: Conversation, text: string): void {
  drafts.set(conversation, { text, isNew: true });
}

/** Keeps what the person has written and not sent, while its chat is not drawn. */
export function keepDraft(conversation: Conversation, text: string): void {
  if (text !== '' && !drafts.has(conversation)) drafts.set(conversation, { text, isNew: false });
}

/** Takes it: it is put there once. */
export function takeDraft(conversation: Conversation): Draft | undefined {
  const draft = drafts.get(conversation);
  drafts.delete(conversation);
  return draft;
}
