import type { CheckedEvent } from '../../../protocol/events.ts';

/**
 * What an agent says again of a turn that its broker has nothing of: the whole of it, from the first event on. Of approvals
 * in that only those are asked for that it waits for still.
 */
export class Refill {
  /** The `aseq` of its first new event. */
  readonly #next: number;
  readonly #pending: ReadonlySet<unknown>;

  constructor(next: number, pending: readonly string[]) {
    this.#next = next;
    this.#pending = new Set(pending);
  }

  /** Whether this one is about an approval that was decided long ago: it is an event as any. */
  isPast({ aseq, approval_id: id }: CheckedEvent): boolean {
    return typeof aseq === 'number' && aseq < this.#next && !this.#pending.has(id);
  }
}
