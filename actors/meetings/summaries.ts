import type { BrokerState } from '../kernel/broker-state.ts';
import { keepSummary } from './keeping.ts';
import type { MeetingHead } from './meeting-store.ts';
import { summarize } from './summary.ts';

/**
 * Summaries of meetings that are over: one at a time of each, shared by all who ask for it meanwhile, and kept once. So a
 * record grows by one summary, however often and by whomever it is asked for.
 */
export class Summaries {
  readonly #state: BrokerState;
  readonly #begun = new Map<MeetingHead, Promise<string | null>>();

  constructor(state: BrokerState) {
    this.#state = state;
  }

  /** The meeting's summary: the kept one, or what the agent says; null where there is none. Never rejects. */
  of(head: MeetingHead, agentId: string): Promise<string | null> {
    const begun = this.#begun.get(head);
    if (begun) return begun;
    const summary = new Promise<string | null>((resolve) => {
      summarize(this.#state, head, agentId, (text, isNew) => {
        this.#begun.delete(head);
        if (text !== null && isNew) keepSummary(this.#state, head, text);
        resolve(text);
      });
    });
    this.#begun.set(head, summary);
    return summary;
  }
}
