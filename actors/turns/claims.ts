import type { Kernel } from '../kernel/kernel.ts';
import { HeldCalls } from './held-calls.ts';

/** So often a session is claimed that is another broker's, and after so long again. Milliseconds. */
const CLAIMS = 3;
const CLAIM_AGAIN_MS = 40;
/** The same of one that is here already: whoever had it lets go of it, by another way. */
const KEEPS = 50;

/** Who holds names of sessions among several brokers. */
export interface ClaimBook {
  /** Rejects where nobody can be asked now. */
  claim(name: string): Promise<{ isOurs: boolean }>;
  release(name: string): void;
}

/**
 * Sessions whose ids their callers chose, in a cluster: no two brokers have a live turn in one. A session is claimed before its
 * first turn, and let go of when nothing of it is left; what is asked about it meanwhile waits.
 */
export class Claims {
  readonly #kernel: Kernel;
  readonly #book: ClaimBook;
  readonly #held = new Set<string>();
  readonly #pending = new Map<string, HeldCalls>();

  constructor(kernel: Kernel, book: ClaimBook) {
    this.#kernel = kernel;
    this.#book = book;
  }

  holds(sessionKey: string): boolean {
    return this.#held.has(sessionKey);
  }

  /** What waits for the word on one of these, if there is any to wait for. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined {
    if (this.#pending.size === 0) return undefined;
    for (const name of sessionKeys) {
      const calls = this.#pending.get(name);
      if (calls) return calls;
    }
    return undefined;
  }

  /** @param settle - whether it is this broker's. Where nobody can be asked, what is known here counts */
  claim(sessionKey: string, settle: (isOurs: boolean) => void): void {
    const calls = new HeldCalls();
    this.#pending.set(sessionKey, calls);
    const heard = (isOurs: boolean) => {
      if (isOurs) this.#held.add(sessionKey);
      this.#kernel.attempt('a session that was claimed', () => settle(isOurs));
      this.#pending.delete(sessionKey);
      calls.release(this.#kernel, () => {});
    };
    this.#ask(sessionKey, CLAIMS, heard);
  }

  #ask(sessionKey: string, times: number, heard: (isOurs: boolean) => void): void {
    this.#book.claim(sessionKey).then(
      ({ isOurs }) => {
        if (isOurs || times === 1) heard(isOurs);
        // Whoever had it may have let go of it, and that is on its way.
        else this.#kernel.deadlines.arm(CLAIM_AGAIN_MS, () => this.#ask(sessionKey, times - 1, heard));
      },
      (err: unknown) => {
        this.#kernel.sparseLog.warn({ err }, 'a session could not be claimed: what is known here counts');
        heard(true);
      },
    );
  }

  /** One that is here already, from before a restart or from another broker. */
  keep(sessionKey: string): void {
    this.#held.add(sessionKey);
    this.#ask(sessionKey, KEEPS, (isOurs) => {
      if (!isOurs) this.#kernel.log.warn({ session: sessionKey }, 'another broker has a turn in this session, too');
      // It may have ended meanwhile.
      if (!this.#held.has(sessionKey)) this.#book.release(sessionKey);
    });
  }

  release(sessionKey: string): void {
    if (this.#held.delete(sessionKey)) this.#book.release(sessionKey);
  }
}
