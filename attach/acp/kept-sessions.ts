import type { AttachContext, KeptSession } from '../attached.ts';
import { messageOf } from '../words.ts';

/** What is known of a session beside its name. */
export type Place = Omit<KeptSession, 'session_id'>;

/** The sessions that an agent's program can be asked for again, also by another run of this one. */
export class KeptSessions {
  readonly #context: Pick<AttachContext, 'agentId' | 'log' | 'sessions'>;
  readonly #max: number;
  /** By the session's name, the one that was used last at the end. */
  readonly #places = new Map<string, Place>();
  #isReadable = true;
  #saving: Promise<void> | undefined;
  #isDirty = false;

  /** @param max so many; beyond, the one that was used longest ago is forgotten. */
  constructor(context: Pick<AttachContext, 'agentId' | 'log' | 'sessions'>, max: number) {
    this.#context = context;
    this.#max = max;
    try {
      for (const { session_id, ...place } of context.sessions?.load().slice(-max) ?? [])
        this.#places.set(session_id, place);
    } catch (error) {
      // Somebody may want to see to what is there.
      this.#isReadable = false;
      this.#complain('the sessions of an attached agent begin anew, and are not kept', error);
    }
  }

  get(sessionId: string): Place | undefined {
    return this.#places.get(sessionId);
  }

  /** It is used, and this is where it is. */
  put(sessionId: string, place: Place): void {
    const before = this.#places.get(sessionId);
    this.#places.delete(sessionId);
    this.#places.set(sessionId, place);
    if (this.#places.size > this.#max) for (const oldest of this.#places.keys()) if (this.#places.delete(oldest)) break;
    // Who was used last is kept with the next one that is new.
    if (before?.agent_session_id === place.agent_session_id && before.cwd === place.cwd) return;
    this.#isDirty = true;
    this.#saving ??= this.#save();
  }

  /** Resolves once all of it is kept, or cannot be. */
  async close(): Promise<void> {
    await this.#saving;
  }

  async #save(): Promise<void> {
    const { sessions } = this.#context;
    while (this.#isDirty && sessions && this.#isReadable) {
      this.#isDirty = false;
      const all = [...this.#places].map(([session_id, place]) => ({ session_id, ...place }));
      // Kept with what changes next, or not at all.
      await sessions
        .save(all)
        .catch((error: unknown) => this.#complain('sessions of an attached agent are not kept', error));
    }
    this.#saving = undefined;
  }

  #complain(words: string, error: unknown): void {
    this.#context.log.warn({ agent: this.#context.agentId, reason: messageOf(error) }, words);
  }
}
