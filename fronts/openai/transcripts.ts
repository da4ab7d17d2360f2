import { setImmediate } from 'node:timers/promises';
import { ExpiringMap } from '../core/expiring-map.ts';
import { hashOf } from '../core/ids.ts';
import type { Message } from './messages.ts';

/** Answers whose conversations are known by what was said. */
export const KEPT_TRANSCRIPTS = 10_000;
/** See {@link KEPT_TRANSCRIPTS}. Milliseconds. */
export const KEPT_TRANSCRIPT_MS = 24 * 60 * 60_000;

/** Sessions at one place of one and the same conversation: two that said the same so far. */
const MAX_ALIKE = 16;

/**
 * Which session an answer was in, by all that was said up to it: clients of the OpenAI API name no conversation, but repeat it.
 * Whoever goes on from an answer takes it: somebody who goes on from there once more has edited what came next, and is another
 * conversation.
 */
export class Transcripts {
  readonly #sessions: ExpiringMap<string[]>;

  constructor(now?: () => number) {
    this.#sessions = new ExpiringMap(KEPT_TRANSCRIPTS, KEPT_TRANSCRIPT_MS, now);
  }

  keep(transcript: string, sessionId: string): void {
    const alike = this.#sessions.get(transcript) ?? [];
    if (!alike.includes(sessionId)) this.#sessions.set(transcript, [...alike, sessionId].slice(-MAX_ALIKE));
  }

  take(transcript: string): string | undefined {
    const [sessionId, ...others] = this.#sessions.get(transcript) ?? [];
    if (others.length > 0) this.#sessions.set(transcript, others);
    else this.#sessions.delete(transcript);
    return sessionId;
  }
}

/** In texts of more characters white space counts: to find it there takes longer than others should wait. */
const MAX_COLLAPSED = 64 * 1024;
/** Characters that are hashed before others have their turn; a message counts as many as it takes the time of. */
const AT_ONCE = 128 * 1024;
const MESSAGE_COST = 256;

/** What was said, as a hash: of whom, with which agent, and each message, its white space apart. */
export class Transcript {
  #hash: string;

  constructor(owner: string, agentId: string) {
    this.#hash = hashOf(owner, agentId);
  }

  /** What was said so far. */
  get hash(): string {
    return this.#hash;
  }

  add({ role, text, images, calls }: Message): void {
    this.#hash = hashOf(
      this.#hash,
      role,
      text.length > MAX_COLLAPSED ? text : text.replace(/\s+/g, ' ').trim(),
      ...images.map((image) => (image.type === 'image_url' ? image.url : image.data)),
      ...calls.flatMap(({ name, arguments: args }) => [name, args]),
    );
  }

  /** The same of many, which may be long: others have their turns meanwhile. */
  async addAll(messages: readonly Message[]): Promise<void> {
    let cost = 0;
    for (const message of messages) {
      this.add(message);
      cost += MESSAGE_COST + message.text.length;
      if (cost < AT_ONCE) continue;
      cost = 0;
      await setImmediate();
    }
  }
}
