/** So long may messages be worked on in one turn of the event loop, in milliseconds; the one that goes beyond it is ended. */
const SHARE_MS = 5;

/**
 * The part of a turn of the event loop that clients' messages get. What has arrived when it is used up waits for the next
 * turn, so that a thousand small messages in one segment hold nobody up for longer than one large one does.
 */
export class TurnShare {
  /** When the first message of this turn was begun, in the milliseconds of `performance.now()`. */
  #since: number | undefined;
  /** Who has messages left. Each works off one, and says whether there are more. */
  #behind: (() => boolean)[] = [];
  #isScheduled = false;

  /** Whether a message that came now, as `performance.now()` has it, is for the next turn. */
  isUsedUp(now: number): boolean {
    if (this.#since === undefined) {
      this.#since = now;
      this.#schedule();
      return false;
    }
    return now - this.#since > SHARE_MS;
  }

  /** Calls it in the next turn, and in turns with others who are behind, until it returns false. */
  later(workOff: () => boolean): void {
    this.#behind.push(workOff);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#since = undefined;
    if (this.#behind.length === 0) return;
    const began = performance.now();
    let at = 0;
    try {
      while (at < this.#behind.length && performance.now() - began <= SHARE_MS) {
        const workOff = this.#behind[at] as () => boolean;
        at += 1;
        // Behind all others again.
        if (workOff()) this.#behind.push(workOff);
      }
    } finally {
      this.#behind.splice(0, at);
      if (this.#behind.length > 0) this.#schedule();
    }
  }
}
