/** So long may messages be worked on in one turn of the event loop, in milliseconds; the one that goes beyond it is ended. */
const SHARE_MS = 5;

/**
 * The part of a turn of the event loop that clients' messages get. What has arrived when it is used up waits for the next
 * turn, so that a thousand small messages in one segment hold nobody up for longer than one large one does.
 */
export class TurnShare {
  /** When the share that is being used up was begun, in the milliseconds of `performance.now()`. */
  #since = Number.NEGATIVE_INFINITY;
  /** Who has messages left. Each works off one, and says whether there are more. */
  #behind: (() => boolean)[] = [];
  #isScheduled = false;

  /**
   * Whether a message that came now, as `performance.now()` has it, is for the next turn. That a turn is over is not asked
   * for each message: only where one share's time has gone by does another begin, and the end of its turn is waited for. So
   * messages may have two shares of a turn, and an event loop with little to do is not woken for this.
   */
  isUsedUp(now: number): boolean {
    if (this.#isScheduled) return now - this.#since > SHARE_MS;
    if (now - this.#since > SHARE_MS) {
      this.#since = now;
      this.#schedule();
    }
    return false;
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
    const began = performance.now();
    this.#since = began;
    if (this.#behind.length === 0) return;
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
