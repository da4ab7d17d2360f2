import { key } from '../kernel/key.ts';
import type { Callback } from './callback-record.ts';

/** The tool calls of a broker. */
export const TOOLS = key<Tools>('tools');

/** Tool calls of the embedding API, which belong to no turn; and the ids of all. */
export class Tools {
  /** By `request_id`, until they have ended. */
  readonly direct = new Map<string, Callback>();
  #callbacks = 0;

  /** An id for a tool call: `cb-<n>`, unique in the daemon's life (`wire.md` section 7). */
  nextCallbackId(): string {
    this.#callbacks += 1;
    return `cb-${this.#callbacks}`;
  }
}
