import type { Random } from './random.ts';
import type { SimEvent, SimFault, SimFrame, SimTold } from './sim-records.ts';

/** The agent of a simulated turn: it numbers its events, and keeps those that were not released. */
export class SimAgent {
  /** Its connection; 0: it has none. */
  conn = 0;
  /** Up to this `aseq` it keeps nothing. */
  acked = 0;
  isDead = false;
  /** It was told that the turn is over. */
  isOver = false;
  readonly isMortal: boolean;
  /** It sends all again that it keeps, though the broker has said that it has some of it. */
  readonly #isNaive: boolean;
  /** It does not wait for the answer to `agent.resume`, and says what comes next at once. */
  readonly #isEager: boolean;
  readonly #events: readonly SimEvent[];
  readonly #fault: SimFault | undefined;
  /** What it has said so far. */
  #said = 0;
  /** Up to this `aseq` it has sent them on this connection. */
  #sent = 0;
  #isBack = false;

  constructor(events: readonly SimEvent[], random: Random, fault: SimFault | undefined) {
    this.#events = events;
    this.#fault = fault;
    this.#isNaive = random.chance(0.5);
    this.#isEager = random.chance(0.4);
    this.isMortal = random.chance(0.3);
  }

  connected(conn: number): void {
    this.conn = conn;
    this.#isBack = false;
  }

  cut(): void {
    this.conn = 0;
  }

  /** What it sends next: what it keeps, and then something new. */
  speak(): SimFrame | undefined {
    if (this.conn === 0 || this.isOver || !(this.#isBack || this.#isEager)) return undefined;
    const sent = this.#fault === 'resendAll' ? this.#sent : Math.max(this.#sent, this.acked);
    const aseq = this.#isBack ? sent + 1 : this.#said + 1;
    if (aseq > this.#events.length) return undefined;
    if (this.#isBack) this.#sent = aseq;
    this.#said = Math.max(this.#said, aseq);
    if (aseq <= this.acked) throw new Error('the agent is to send what it has let go of');
    return { kind: 'event', aseq, event: this.#events[aseq - 1] as SimEvent };
  }

  hear(told: SimTold): void {
    if (told.conn !== this.conn) return;
    if (told.kind === 'ack') this.#release(told.released);
    else if (told.kind === 'rewind') this.#sent = Math.max(told.after, this.acked);
    else if (told.isOver) this.isOver = true;
    else {
      this.#release(told.released);
      if (this.acked > told.after)
        throw new Error(`the agent let go of ${this.acked}, and the broker has ${told.after}`);
      this.#isBack = true;
      this.#sent = this.#isNaive ? this.acked : told.after;
      if (this.#fault === 'resendAll') this.#sent = 0;
    }
  }

  #release(aseq: number): void {
    this.acked = Math.max(this.acked, aseq);
  }
}
