/** So long may what attached agents say be worked on in one turn of the event loop. Milliseconds. */
const SHARE_MS = 4;

/**
 * The part of a turn of the event loop that attached agents get, all of them together: in a daemon that runs them itself the
 * rest is its clients'. Who has more to work off goes on in the next turn, one after the other.
 */
export class Pace {
  /** When the share that is being used up was begun; what `performance.now()` says. */
  #since = Number.NEGATIVE_INFINITY;
  #isScheduled = false;
  #waiting: (() => void)[] = [];

  /** Whether what comes now is for a later turn. */
  get isUsedUp(): boolean {
    const now = performance.now();
    if (now - this.#since <= SHARE_MS) return false;
    if (this.#isScheduled) return true;
    this.#since = now;
    this.#schedule();
    return false;
  }

  /** Calls it in a later turn, in turns with the others that wait. It is to look again, after one piece of work, whether it may go on. */
  later(goOn: () => void): void {
    this.#waiting.push(goOn);
    this.#schedule();
  }

  /** Resolves at once, or, where the share is used up, in a later turn. */
  async breathe(): Promise<void> {
    if (this.isUsedUp) await new Promise<void>((resolve) => this.later(resolve));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#since = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [at, goOn] of waiting.entries()) {
      if (performance.now() - this.#since > SHARE_MS) {
        // Before those that have had their part in this turn.
        this.#waiting.unshift(...waiting.slice(at));
        break;
      }
      goOn();
    }
    if (this.#waiting.length > 0) this.#schedule();
  }
}

/** That of this process. */
export const pace = new Pace();
