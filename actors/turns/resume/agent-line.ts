/**
 * What becomes of an event by its number: `next`, it is taken; `again`, it was taken before; `gap`, the one before it is
 * missing; `ahead`, so it is, and the agent has been told; `lost`, the agent has gone back, and that one is missing still.
 */
export type Arrival = 'next' | 'again' | 'gap' | 'ahead' | 'lost' | 'unnumbered';

/** How far an agent that numbers its events has come in one turn (`docs/protocol.md`, section 8). */
export class AgentLine {
  /** The `aseq` of the last event that has arrived. */
  received = 0;
  /** The length of all `token` deltas among them, in UTF-16 units. */
  textLength = 0;
  /** The last that the agent was told it need not keep. */
  released = 0;
  /** Its agent keeps all of it until the turn ends: nothing is released before. */
  isKeptWhole = false;
  /** The agent is to be told how far it has come. */
  isAckDue = false;
  /** The greatest number that came too early, since the agent was told to go back. 0: nothing is missing. */
  #ahead = 0;

  /** Takes the event with this number. Without one a turn's end is its next event: an agent that ends a turn has ended it. */
  take(aseq: unknown, isTerminal: boolean): Arrival {
    if (typeof aseq !== 'number' || !Number.isInteger(aseq)) {
      if (!isTerminal) return 'unnumbered';
      this.received += 1;
      return 'next';
    }
    if (aseq <= this.received) return 'again';
    if (aseq === this.received + 1) {
      this.received = aseq;
      this.#ahead = 0;
      return 'next';
    }
    const before = this.#ahead;
    this.#ahead = Math.max(before, aseq);
    if (before === 0) return 'gap';
    return aseq > before ? 'ahead' : 'lost';
  }

  /** It is known from before, up to this one. */
  begin(aseq: number): void {
    this.received = aseq;
    this.release(aseq);
  }

  /** It need not keep what came up to this one, unless it keeps all. */
  release(aseq: number): void {
    if (!this.isKeptWhole && aseq > this.released) this.released = aseq;
  }

  /** The agent goes on from here, on another connection. */
  restart(received = this.received): void {
    this.received = received;
    this.#ahead = 0;
  }
}
