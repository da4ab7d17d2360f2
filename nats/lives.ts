import { DEAD_MS, MAX_MEMBERS } from '../link/members.ts';

/**
 * Which lives of brokers there are, by their heartbeats. When one that was heard is dead, the link says: nobody is dead for the
 * one and alive for the other. Time in which this broker was stopped, or could hear nobody, does not count.
 */
export class Lives {
  /** By broker: its life, how many rounds ago it was heard, and whether it is dead for all that is known since. */
  readonly #heard = new Map<string, { epoch: string; rounds: number; isDead: boolean }>();
  /** Rounds for which it has listened without a break. */
  #listened = 0;

  /** A round lasts so long. Milliseconds. */
  static readonly ROUND_MS = 500;
  static readonly #DEAD_ROUNDS = DEAD_MS / Lives.ROUND_MS + 1;
  /** So long whoever is silent stays within reach. */
  static readonly #GONE_ROUNDS = 2 * Lives.#DEAD_ROUNDS;

  epochOf(broker: string): string | undefined {
    return this.#heard.get(broker)?.epoch;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#heard.keys();
  }

  /** @returns whether it is new: the broker, or its life */
  heard(broker: string, epoch: string): boolean {
    const known = this.#heard.get(broker);
    if (!known && this.#heard.size >= MAX_MEMBERS) return false;
    this.#heard.set(broker, { epoch, rounds: 0, isDead: false });
    return known?.epoch !== epoch;
  }

  /** A round has passed. @returns the brokers that have been silent for too long, and are forgotten */
  passed(hears: boolean): string[] {
    if (!hears) {
      this.#listened = 0;
      return [];
    }
    this.#listened += 1;
    const gone: string[] = [];
    for (const [broker, known] of this.#heard) {
      known.rounds += 1;
      if (known.rounds <= Lives.#GONE_ROUNDS) continue;
      this.#heard.delete(broker);
      gone.push(broker);
    }
    return gone;
  }

  /** The link has not heard of that life for too long. Until it is heard again, it is dead. */
  died(broker: string, epoch: string): void {
    const known = this.#heard.get(broker);
    if (known?.epoch === epoch) known.isDead = true;
  }

  /** Whether that life was heard, and has not died since. */
  isAlive(broker: string, epoch: string): boolean {
    const known = this.#heard.get(broker);
    return known?.epoch === epoch && !known.isDead;
  }

  /**
   * Whether that life is over, as far as this broker can know: it has died, the broker has another, or it was never heard in
   * four seconds in which it would have been.
   */
  isOver(broker: string, epoch: string): boolean {
    const known = this.#heard.get(broker);
    if (known) return known.epoch !== epoch || known.isDead;
    return this.#listened >= Lives.#DEAD_ROUNDS;
  }
}
