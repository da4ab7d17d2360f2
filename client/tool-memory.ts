import type { HostExecuteParams } from '../protocol/tools.ts';
import type { ToolRun } from './tool-run.ts';

/** How long it is remembered what a call came to. Milliseconds. */
const KEPT_MS = 5 * 60_000;
/** How many of them, at most. */
const MOST_KEPT = 1_000;
/** And how much: characters of their answers as JSON, with a little for each. */
const MOST_KEPT_SIZE = 16 * 1024 * 1024;
const ENTRY_SIZE = 256;

/** What a call is remembered by. */
export interface ToolKey {
  readonly sessionId: string;
  readonly text: string;
}

/** Undefined where the agent has no name for what it does, or there is no chat: then it cannot be known again. */
export function toolKey({ session_id, action_id, tool }: HostExecuteParams): ToolKey | undefined {
  if (session_id === undefined || action_id === '') return undefined;
  return { sessionId: session_id, text: JSON.stringify([session_id, action_id, tool]) };
}

interface Ended {
  sessionId: string;
  run: ToolRun;
  size: number;
  at: number;
}

/**
 * The calls of a host's tools, and for a while what they came to, by what their agents call them: an agent that has lost its
 * connection asks again, and the tool is not to run twice (`docs/protocol.md`, section 7). Bounded in time, number and size.
 */
export class ToolMemory {
  readonly #opened: (sessionId: string) => boolean;
  readonly #running = new Map<string, ToolRun>();
  /** The one that ended first comes first. */
  readonly #ended = new Map<string, Ended>();
  /** Sessions of which something was forgotten. */
  readonly #gaps = new Set<string>();
  #size = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param opened whether this host has opened the chat that a session has now: then it has seen all of its calls. */
  constructor(opened: (sessionId: string) => boolean) {
    this.#opened = opened;
  }

  find({ text }: ToolKey): ToolRun | undefined {
    return this.#running.get(text) ?? this.#ended.get(text)?.run;
  }

  /** Whether a call that is not found here has never been made here. */
  isWhole({ sessionId }: ToolKey): boolean {
    return this.#opened(sessionId) && !this.#gaps.has(sessionId);
  }

  /** A call begins. One of before that had the same name is another, and is forgotten. */
  began({ text }: ToolKey, run: ToolRun): void {
    const before = this.#ended.get(text);
    if (before) this.#drop(text, before);
    this.#running.set(text, run);
  }

  /** It is over. @param size characters of its answer. Undefined: it has never run, and is to be forgotten. */
  ended({ sessionId, text }: ToolKey, run: ToolRun, size: number | undefined): void {
    if (this.#running.get(text) !== run) return;
    this.#running.delete(text);
    if (size === undefined) return;
    const entry = { sessionId, run, size: size + ENTRY_SIZE, at: performance.now() };
    this.#ended.set(text, entry);
    this.#size += entry.size;
    this.#trim();
  }

  /** Other sessions have no chat any more: the next one in them has seen all of its own calls, whatever was forgotten before. */
  keepOnly(sessions: ReadonlySet<string | undefined>): void {
    for (const session of this.#gaps) if (!sessions.has(session)) this.#gaps.delete(session);
    for (const [text, entry] of this.#ended) if (!sessions.has(entry.sessionId)) this.#drop(text, entry);
  }

  /** Nobody will ask for any of it. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ended.clear();
    this.#gaps.clear();
    this.#size = 0;
  }

  #trim(): void {
    const oldest = performance.now() - KEPT_MS;
    for (const [text, entry] of this.#ended) {
      const isKept = this.#ended.size <= MOST_KEPT && this.#size <= MOST_KEPT_SIZE && entry.at > oldest;
      if (isKept) break;
      this.#drop(text, entry);
      this.#gaps.add(entry.sessionId);
    }
    // A chat that is over asks for nothing: there are no more of them than there are chats.
    for (const sessionId of this.#gaps) if (!this.#opened(sessionId)) this.#gaps.delete(sessionId);
    clearTimeout(this.#timer);
    const [next] = this.#ended.values();
    this.#timer = next && setTimeout(() => this.#trim(), Math.max(1, next.at - oldest));
    // In Node it keeps no process alive.
    (this.#timer as { unref?: () => void } | undefined)?.unref?.();
  }

  #drop(text: string, { size }: Ended): void {
    this.#ended.delete(text);
    this.#size -= size;
  }
}
