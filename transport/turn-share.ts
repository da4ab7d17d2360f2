/** So long may messages be worked on in one turn of the event loop, in milliseconds; the one that goes beyond it is ended. */
const SHARE_MS = 5;
/** And so long those of one principal, that come one after the other, and that wait; then something else is looked for. */
const PART_MS = 1;

/** Whose messages they are: a principal, by however many connections, or else one connection. */
export type Whose = object | string;

/**
 * The part of a turn of the event loop that clients' messages get. What has arrived when it is used up waits for the next
 * turn, so that a thousand small messages in one segment hold nobody up for longer than one large one does. Of what waits,
 * everybody has one message worked off in turn, by however many connections they come.
 */
export class TurnShare {
  /** When the share that is being used up was begun, in the milliseconds of `performance.now()`. */
  #since = Number.NEGATIVE_INFINITY;
  /** Who has messages left, by whose they are, who is next first. Each works off one, and says whether there are more. */
  readonly #behind = new Map<Whose, (() => boolean)[]>();
  #isScheduled = false;
  /** Whose messages came last, one after the other, and since when. */
  #last: Whose | undefined;
  #lastSince = 0;

  /**
   * Whether a message that came now, as `performance.now()` has it, is for the next turn. That a turn is over is not asked
   * for each message: only where one share's time has gone by does another begin, and the end of its turn is waited for. So
   * messages may have two shares of a turn, and an event loop with little to do is not woken for this. Who has messages left
   * on another connection has had their part.
   */
  isUsedUp(now: number, whose: Whose): boolean {
    if (this.#behind.size > 0 && this.#behind.has(whose)) return true;
    if (this.#isScheduled) {
      if (now - this.#since > SHARE_MS) return true;
    } else if (now - this.#since > SHARE_MS) {
      this.#since = now;
      this.#schedule();
    }
    return typeof whose === 'string' && this.#isPartUsedUp(now, whose);
  }

  #isPartUsedUp(now: number, whose: string): boolean {
    if (this.#last !== whose || this.#lastSince < this.#since) {
      this.#last = whose;
      this.#lastSince = now;
    }
    return now - this.#lastSince > PART_MS;
  }

  /** Calls it in the next turn, and in turns with others who are behind, until it returns false. */
  later(workOff: () => boolean, whose: Whose): void {
    const theirs = this.#behind.get(whose);
    if (theirs) theirs.push(workOff);
    else this.#behind.set(whose, [workOff]);
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
    if (this.#behind.size === 0) return;
    const parts = new Map<Whose, number>();
    try {
      let now = began;
      // Who is put behind all others again comes once more in this very loop, as long as there is time.
      for (const [whose, theirs] of this.#behind) {
        if (now - began > SHARE_MS) break;
        const part = parts.get(whose) ?? 0;
        if (typeof whose === 'string' && part > PART_MS) continue;
        this.#behind.delete(whose);
        this.#one(whose, theirs);
        const before = now;
        now = performance.now();
        parts.set(whose, part + now - before);
      }
    } finally {
      if (this.#behind.size > 0) this.#schedule();
    }
  }

  /** One message of theirs, of the connection whose turn it is. What it throws costs them that connection's, and no more. */
  #one(whose: Whose, theirs: (() => boolean)[]): void {
    const workOff = theirs.shift() as () => boolean;
    let hasMore = false;
    try {
      hasMore = workOff();
    } finally {
      if (hasMore) theirs.push(workOff);
      const meanwhile = this.#behind.get(whose);
      if (meanwhile) meanwhile.push(...theirs);
      else if (theirs.length > 0) this.#behind.set(whose, theirs);
    }
  }
}
