import { effect, signal, untracked } from '@preact/signals';
import { host } from '../session.ts';
import { onSignOut } from '../sign-out.ts';
import { Conversation } from './conversation.ts';
import { closeConversation, conversations } from './conversations.ts';
import type { SavedConversation } from './saved-conversation.ts';
import { holdLock } from './tab-lock.ts';

/** Where this tab keeps its conversations. It holds secrets: the handles of turns. */
const KEY = 'switchboard.chats';
/** Another form of what is kept has another number. */
const VERSION = 1;
/** How much of one conversation is kept: as much of them as the storage takes. Characters, roughly. */
const LIMITS = [131_072, 32_768, 4_096];
/** Changes that come together are kept together. Milliseconds. */
const PAUSE_MS = 300;

interface Kept {
  version: number;
  /** What a copy of the tab has in common with it. */
  tab: string;
  chats: SavedConversation[];
}

/** Whether the conversations of before are there again, where there were any. */
export const isRestored = signal(false);

/**
 * Keeps this tab's conversations over a reload of the page, and goes on with the turns that ran. They are gone with the
 * tab, and at sign-out.
 *
 * A copy of the tab has a copy of what is kept. The first one holds a lock by which it is known, so the copy starts with
 * nothing: two that read one turn would take it from each other.
 */
export async function startKeeping(): Promise<void> {
  const kept = read();
  onSignOut(() => {
    kept.chats = [];
    for (const conversation of conversations.value) closeConversation(conversation);
    sessionStorage.removeItem(KEY);
  });
  const isOurs = await holdLock(`${KEY}.${kept.tab}`);
  const tab = isOurs ? kept.tab : newTab();
  if (isOurs) conversations.value = restored(kept.chats);
  else await holdLock(`${KEY}.${tab}`);
  const save = () => write(tab);
  isRestored.value = true;
  goOnWhenConnected();
  if (navigator.locks) saveOnChange(save);
  // Without a lock a copy must find nothing: it is kept only while the page is being left.
  else sessionStorage.removeItem(KEY);
  addEventListener('pagehide', save);
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    // Out of the browser's cache, where it has lost its connection: what was kept since is newer.
    removeEventListener('pagehide', save);
    location.reload();
  });
}

/** A turn that was left goes on with the connection that is there, or with the next one. */
function goOnWhenConnected(): void {
  effect(() => {
    const connection = host.value;
    const waiting = conversations.value.filter(({ left }) => left.value !== undefined);
    const orphaned = conversations.value.filter(({ isOrphaned }) => isOrphaned.value);
    if (!connection) return;
    untracked(() => {
      for (const conversation of waiting) void conversation.goOn(connection);
      for (const conversation of orphaned) void conversation.endOrphan(connection);
    });
  });
}

/** Where the browser ends the tab without a word, what was kept last is there, and the turn goes on after that. */
function saveOnChange(save: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    for (const { agentId, options, state, turnId, standing, transcript } of conversations.value) {
      for (const signal of [agentId, options, state, turnId, standing, transcript.waiting]) void signal.value;
    }
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      save();
    }, PAUSE_MS);
  });
}

function read(): Kept {
  const none: Kept = { version: VERSION, tab: newTab(), chats: [] };
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return kept?.version === VERSION ? kept : none;
  } catch {
    return none;
  }
}

/** What was kept by another version of the page, or by nobody, opens no conversation. */
function restored(chats: readonly SavedConversation[]): Conversation[] {
  try {
    return chats.map((chat) => new Conversation(chat));
  } catch {
    return [];
  }
}

function write(tab: string): void {
  for (const limit of LIMITS) {
    const chats = conversations.peek().map((conversation) => conversation.saved(limit));
    try {
      if (chats.length === 0) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, JSON.stringify({ version: VERSION, tab, chats } satisfies Kept));
      return;
    } catch {
      // The storage is full: the next limit is smaller.
    }
  }
}

const newTab = () => crypto.getRandomValues(new Uint32Array(4)).join('-');
