import { approves } from '../protocol/approves.ts';
import type { ChatEvent, GateEvent } from '../protocol/events.ts';
import { isObject } from '../protocol/json.ts';

/** More than that can wait of one turn at no time. */
const MAX_KNOWN = 1_000;

/** What of one turn waits at the broker's gate, as far as its reader has been told (`wire.md` section 5). */
export class ChatGates {
  readonly #open = new Map<string, GateEvent>();
  /** All that there were: a late answer, too, is to hear how it was settled. */
  readonly #known = new Set<string>();

  /** Whether this id is, or was, a gate's: whoever answers it answers the broker, not the agent. */
  has(approvalId: string): boolean {
    return this.#known.has(approvalId);
  }

  /**
   * Counts an event of the turn. An agent's own of such a kind is none: a broker that knows gates drops it, and one that
   * does not takes its mark off.
   * @returns false for one that the reader has been given already: a turn that is gone on with tells again what waits.
   */
  note(event: ChatEvent): boolean {
    if (event.synthesized !== true) return true;
    if (event.kind === 'gate_resolved') this.#open.delete(event.approval_id);
    if (event.kind !== 'gate_pending') return true;
    if (this.#open.has(event.approval_id)) return false;
    this.#open.set(event.approval_id, event);
    this.#known.add(event.approval_id);
    for (const oldest of this.#known) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    return true;
  }

  /** What was settled while there was no connection: how, nobody has said. @param pending what waits now. */
  *settledMeanwhile(pending: readonly unknown[]): Generator<GateEvent> {
    const waiting = new Set(pending.map((event) => isObject(event) && event.approval_id));
    for (const { approval_id, session_id, turn_id, agent_id } of this.#open.values()) {
      if (waiting.has(approval_id)) continue;
      const turn = { session_id, turn_id, agent_id };
      yield { ...turn, kind: 'gate_resolved', approval_id, resolution: 'withdrawn', synthesized: true };
    }
  }
}

/** A decision as `host.resolve_approval` takes it. */
export function labelOf(decision: boolean | string): string {
  if (approves(decision)) return 'approve';
  return typeof decision === 'string' && decision !== '' ? decision : 'deny';
}
