import type { Client } from '../kernel/client.ts';

/**
 * Readers of a turn that have more of it than there is here (`docs/protocol.md`, section 8): its agent will send that again, and
 * it fills the log without being sent to them twice. As many as read the turn, at most.
 */
export class Ahead {
  readonly #readers = new Map<Client, number>();

  /** Everybody who was in it has caught up, or has gone. */
  get isEmpty(): boolean {
    return this.#readers.size === 0;
  }

  /** `after`: the last `seq` that the reader has. */
  add(reader: Client, after: number): void {
    this.#readers.set(reader, after);
  }

  delete(reader: Client): void {
    this.#readers.delete(reader);
  }

  /** What this reader has, where that is more than there is. */
  of(reader: Client): number | undefined {
    return this.#readers.get(reader);
  }

  /** Whether anybody has something after the first of these, and not up to the second. */
  hasWithin(after: number, end: number): boolean {
    for (const has of this.#readers.values()) if (has > after && has < end) return true;
    return false;
  }

  /** Whether the event with this `seq` is new to this reader, which then has caught up. */
  lacks(reader: Client, seq: number): boolean {
    const after = this.#readers.get(reader);
    if (after === undefined) return true;
    if (seq <= after) return false;
    this.#readers.delete(reader);
    return true;
  }
}
