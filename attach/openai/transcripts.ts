import type { ChatMessage } from './messages.ts';

/** Sessions that are kept; what all of them, and one, may take as JSON, roughly. */
const MAX_SESSIONS = 1_000;
const MAX_ALL_BYTES = 64 * 1024 * 1024;
const MAX_SESSION_BYTES = 4 * 1024 * 1024;

/** What was said in one session. */
export interface Transcript {
  /** What a host had to say of it at its beginning. */
  instructions: string | undefined;
  messages: readonly ChatMessage[];
}

/** What was said in each session, in memory. The least lately used goes first. */
export class Transcripts {
  readonly #keep: number;
  readonly #sessions = new Map<string, { transcript: Transcript; bytes: number }>();
  #bytes = 0;

  /** @param keep so many messages of a session. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  get(sessionId: string): Transcript | undefined {
    return this.#sessions.get(sessionId)?.transcript;
  }

  /** Keeps a session as it is now, without its oldest messages where there are too many. */
  put(sessionId: string, { instructions, messages }: Transcript): void {
    let kept = messages.slice(-this.#keep);
    const sizes = kept.map((message) => JSON.stringify(message).length);
    let bytes = sizes.reduce((sum, size) => sum + size, instructions?.length ?? 0);
    let from = 0;
    // It begins with a person's words: a tool's answer without its call is refused by servers.
    while (from < kept.length && (bytes > MAX_SESSION_BYTES || kept[from]?.role !== 'user'))
      bytes -= sizes[from++] ?? 0;
    kept = kept.slice(from);
    this.#forget(sessionId);
    this.#sessions.set(sessionId, { transcript: { instructions, messages: kept }, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS && this.#bytes <= MAX_ALL_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(sessionId: string): void {
    this.#bytes -= this.#sessions.get(sessionId)?.bytes ?? 0;
    this.#sessions.delete(sessionId);
  }
}
