import { WireError } from '../../protocol/errors.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Client } from './client.ts';
import { slot } from './slots.ts';

/** When whoever was refused because others have used up the room may ask again. Milliseconds. */
const RETRY_MS = 1_000;
/** What a value that is no text takes, roughly; and a member's key besides. */
const VALUE_BYTES = 16;

const held = slot(() => ({ bytes: 0 }));

/**
 * What clients have sent and the broker keeps because it has to wait: a chat behind another, a request at the gate, one that
 * an embedder's method works on, a tool call whose host has not been asked. A budget for each connection, and one for all.
 */
export class HeldBytes {
  readonly #limits: Limits;
  #all = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** What is held for all connections together. */
  get bytes(): number {
    return this.#all;
  }

  /**
   * Holds a value, of `bytes` roughly, for a connection until the function that it gives is called; to call it twice is no error.
   * @throws {WireError} `-32020` where there is no room; then nothing has changed
   */
  hold(client: Client, value: unknown, bytes = roughBytes(value)): () => void {
    const { maxHeldBytes, maxAllHeldBytes } = this.#limits;
    const own = held.of(client);
    if (own.bytes + bytes > maxHeldBytes) throw WireError.limitExceeded('max_held_bytes', maxHeldBytes);
    if (this.#all + bytes > maxAllHeldBytes) {
      throw WireError.limitExceeded('max_all_held_bytes', maxAllHeldBytes, RETRY_MS);
    }
    let left = bytes;
    own.bytes += left;
    this.#all += left;
    return () => {
      own.bytes -= left;
      this.#all -= left;
      left = 0;
    };
  }
}

/** What a JSON value takes, roughly, in bytes: its texts, and a little for everything else. Makes no text of it. */
export function roughBytes(value: unknown): number {
  let bytes = 0;
  const waiting: unknown[] = [value];
  for (let next = waiting.pop(); next !== undefined || waiting.length > 0; next = waiting.pop()) {
    bytes += VALUE_BYTES;
    if (typeof next === 'string') bytes += next.length;
    else if (Array.isArray(next)) for (const item of next) waiting.push(item);
    else if (typeof next === 'object' && next !== null) {
      for (const key in next) {
        bytes += VALUE_BYTES + key.length;
        waiting.push((next as Record<string, unknown>)[key]);
      }
    }
  }
  return bytes;
}
