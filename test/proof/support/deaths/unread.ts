import { existsSync } from 'node:fs';
import { linesIn } from './lines.ts';

/** A chat that a host was in the middle of, and how to go on with it. */
export interface Unread {
  prompt: string;
  handle: object;
}

interface Reading {
  handle?: object;
  seq: number;
  length: number;
  isOver: boolean;
}

/** What the lives of one host were in the middle of, by what they wrote down. */
export function unreadIn(paths: string[]): Unread[] {
  const chats = new Map<string, Reading>();
  for (const line of paths.filter((path) => existsSync(path)).flatMap(linesIn)) {
    const { op, type, prompt, handle, seq, text = '', kind = '' } = line;
    if (prompt === undefined) continue;
    const chat = chats.get(prompt) ?? { seq: 0, length: 0, isOver: false };
    chats.set(prompt, chat);
    if (op === 'chat' && type === 'ok' && handle) chat.handle = handle;
    if (op === 'chat' && type === 'fail') chat.isOver = true;
    if (op !== 'event') continue;
    chat.seq = Math.max(chat.seq, seq ?? 0);
    chat.length += text.length;
    if (kind === 'done' || kind === 'error') chat.isOver = true;
  }
  return [...chats].flatMap(([prompt, { handle, seq, length, isOver }]) =>
    handle && !isOver ? [{ prompt, handle: { ...handle, seq, text_length: length } }] : [],
  );
}
