import { key } from '../kernel/key.ts';
import type { Callback } from './callback-record.ts';

/** The tool calls of a broker. */
export const TOOLS = key<Tools>('tools');

/** Tool calls of the embedding API, which belong to no turn; and the ids of all. */
export class Tools {
  /** By `request_id`, until they have ended. */
  readonly direct = new Map<string, Callback>();
  readonly #prefix: string;
  #callbacks = 0;

  /** @param prefix - what sets this broker's life apart from others'; empty where there are none */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** An id for a tool call: `cb-<n>`, unique in the daemon's life (`wire.md` section 7), and in its cluster. */
  nextCallbackId(): string {
    this.#callbacks += 1;
    return `cb-${this.#prefix}${this.#callbacks}`;
  }
}
